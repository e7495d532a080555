// The reference of the HTTP API: every operation and schema of the server's OpenAPI document.

import { Link, TextField, Typography } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { useRouterState } from "@tanstack/react-router";
import { useDeferredValue, useEffect, useMemo, useRef, useState } from "react";
import { openapiQuery } from "../api/queries";
import { Mono } from "../components/Code";
import { TextLink } from "../components/links";
import { Page } from "../components/Page";
import { Empty, Failed, Rows } from "../components/States";
import { filterReference, type Group, type Reference, referenceOf } from "../model/openapi";
import css from "./docs/Docs.module.css";
import { OperationEntry } from "./docs/OperationEntry";
import { SchemaEntry } from "./docs/SchemaEntry";

export function DocsPage() {
  const query = useQuery(openapiQuery);
  const reference = useMemo(() => query.data && referenceOf(query.data), [query.data]);
  return (
    <Page
      title="API reference"
      lead={
        <>
          Requests carry an access token: <Mono>Authorization: Bearer TOKEN</Mono>. The owner creates tokens
          in{" "}
          <TextLink to="/settings" search={{ view: "tokens" }}>
            Settings
          </TextLink>
          . For programs, see the <Link href="/api/v1/openapi.json">OpenAPI document</Link>
          {reference && ` of version ${reference.version}`}.
        </>
      }
    >
      {reference ? (
        <Contents reference={reference} />
      ) : query.isPending ? (
        <Rows />
      ) : (
        <Failed error={query.error} retry={() => void query.refetch()} />
      )}
    </Page>
  );
}

const SCHEMAS = "schemas";
const anchorOf = (group: Group) => `tag-${group.name}`;

function Contents({ reference }: { reference: Reference }) {
  const [filter, setFilter] = useState("");
  const hash = useRouterState({ select: ({ location }) => location.hash });
  // What a link leads to is shown, whatever the filter says.
  const [shownFor, setShownFor] = useState(hash);
  if (shownFor !== hash) {
    setShownFor(hash);
    setFilter("");
  }
  const wanted = useDeferredValue(filter);
  const scrolledFor = useRef("");
  useEffect(() => {
    // While the list is still filtered, the place is another one, or none.
    if (wanted !== "" || scrolledFor.current === hash) return;
    scrolledFor.current = hash;
    document.getElementById(hash)?.scrollIntoView({ block: "start" });
  }, [hash, wanted]);
  const { groups, schemas } = useMemo(() => filterReference(reference, wanted), [reference, wanted]);
  return (
    <div className={css.columns}>
      <div className={css.side}>
        <TextField
          type="search"
          size="small"
          fullWidth
          placeholder="Filter"
          value={filter}
          onChange={(event) => setFilter(event.target.value)}
          slotProps={{ htmlInput: { "aria-label": "Filter operations and schemas", maxLength: 200 } }}
        />
        <nav aria-label="On this page" className={css.toc}>
          <ul>
            {groups.map((group) => (
              <li key={group.name}>
                <TextLink to="/docs" hash={anchorOf(group)} underline="hover" color="textSecondary">
                  {group.title}
                </TextLink>
              </li>
            ))}
            {schemas.length > 0 && (
              <li>
                <TextLink to="/docs" hash={SCHEMAS} underline="hover" color="textSecondary">
                  Schemas
                </TextLink>
              </li>
            )}
          </ul>
        </nav>
      </div>
      <div className={css.main}>
        {groups.length === 0 && schemas.length === 0 && (
          <Empty title="No operations or schemas match this filter" compact />
        )}
        {groups.map((group) => (
          <section key={group.name} id={anchorOf(group)} className={css.group} aria-label={group.title}>
            <Typography variant="h2">{group.title}</Typography>
            {group.description && (
              <Typography variant="body2" color="textSecondary" sx={{ mb: 1 }}>
                {group.description}
              </Typography>
            )}
            <div className={css.entries}>
              {group.operations.map((operation) => (
                <OperationEntry
                  key={operation.id}
                  operation={operation}
                  schemas={reference.schemas}
                  isLinked={operation.id === hash}
                />
              ))}
            </div>
          </section>
        ))}
        {schemas.length > 0 && (
          <section id={SCHEMAS} className={css.group} aria-label="Schemas">
            <Typography variant="h2">Schemas</Typography>
            <Typography variant="body2" color="textSecondary" sx={{ mb: 1 }}>
              The objects in requests and responses.
            </Typography>
            <div className={css.entries}>
              {schemas.map((named) => (
                <SchemaEntry key={named.name} named={named} hash={hash} />
              ))}
            </div>
          </section>
        )}
      </div>
    </div>
  );
}
