// The audit log: who did what, by which way, with which token, from where, and when.

import { Box, Button, Stack, TextField, Typography } from "@mui/material";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { auditQuery, auditValuesQuery, meQuery } from "../../api/queries";
import type { AuditEntry } from "../../api/types";
import { Mono } from "../../components/Code";
import { type Column, DataTable } from "../../components/DataTable";
import { FilterSelect } from "../../components/FilterSelect";
import { Fold } from "../../components/Fold";
import { TextLink } from "../../components/links";
import { Name } from "../../components/Name";
import { ShowMore } from "../../components/ShowMore";
import { Empty, Failed, Rows } from "../../components/States";
import { actionLabel, detailsOf, momentsOf, objectKind, wayLabel } from "../../model/audit";
import { usePause } from "../../model/pause";
import { words } from "../../model/status";
import { dateOf, timeOfDay } from "../../model/time";
import type { SettingsSearch } from "../../router";

type Filter = Omit<SettingsSearch, "view">;

export function AuditLog() {
  const { view: _, ...filter } = useSearch({ from: "/app/settings" });
  const navigate = useNavigate();
  const show = (next: Filter) =>
    void navigate({ to: "/settings", search: { view: "audit", ...next }, replace: true });
  return (
    <>
      <Filters filter={filter} onChange={(more) => show({ ...filter, ...more })} />
      <Entries filter={filter} onClear={() => show({})} />
    </>
  );
}

function Filters({ filter, onChange }: { filter: Filter; onChange: (more: Filter) => void }) {
  const known = useQuery(auditValuesQuery).data;
  const nameOf = useUserName();
  const select = (
    name: "actor" | "way" | "action",
    every: string,
    values: readonly string[] = [],
    label: (value: string) => string = words,
  ) => {
    const value = filter[name] ?? "";
    // An address may name what the log does not have.
    const all = value && !values.includes(value) ? [...values, value] : values;
    return (
      <FilterSelect
        label={words(name)}
        fullWidth={false}
        value={value}
        options={[["", every], ...all.map((each): [string, string] => [each, label(each)])]}
        onChange={(chosen) => onChange({ [name]: chosen || undefined })}
        sx={{ minWidth: 140, flex: { xs: "1 0 40%", md: "none" } }}
      />
    );
  };
  const day = (name: "from" | "to", label: string) => (
    <TextField
      type="date"
      label={label}
      fullWidth={false}
      value={filter[name] ?? ""}
      onChange={(event) => onChange({ [name]: event.target.value || undefined })}
      slotProps={{ inputLabel: { shrink: true } }}
      sx={{ flex: { xs: "1 0 40%", md: "none" } }}
    />
  );
  return (
    <Stack
      direction="row"
      role="search"
      aria-label="Filter the audit log"
      sx={{ columnGap: 1.25, rowGap: 1.75, mb: 2, flexWrap: "wrap" }}
    >
      {select("actor", "Any actor", known?.actors, nameOf)}
      {select("way", "Any way", known?.ways, wayLabel)}
      {select("action", "Any action", known?.actions)}
      <ObjectFilter value={filter.object ?? ""} onChange={(object) => onChange({ object })} />
      {day("from", "From")}
      {day("to", "To")}
    </Stack>
  );
}

/** The id of what entries are about, applied when typing pauses. */
function ObjectFilter({
  value,
  onChange,
}: {
  value: string;
  onChange: (object: string | undefined) => void;
}) {
  const [text, setText] = useState(value);
  const rested = usePause(text, 300).trim();
  // biome-ignore lint/correctness/useExhaustiveDependencies: when the typing pauses
  useEffect(() => {
    if (rested !== value) onChange(rested || undefined);
  }, [rested]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: when the address changes by other means
  useEffect(() => {
    if (rested !== value) setText(value);
  }, [value]);
  return (
    <TextField
      type="search"
      fullWidth={false}
      placeholder="Id of a task, project or token"
      value={text}
      onChange={(event) => setText(event.target.value)}
      slotProps={{ htmlInput: { "aria-label": "Object", maxLength: 200 } }}
      sx={{ flex: "1 1 220px", minWidth: 180 }}
    />
  );
}

function Entries({ filter, onClear }: { filter: Filter; onClear: () => void }) {
  const { from, to, object, ...rest } = filter;
  const query = useInfiniteQuery(auditQuery({ ...rest, subject: object, ...momentsOf(from, to) }));
  const isFiltered = Object.values(filter).some(Boolean);
  if (query.isPending) return <Rows count={8} height={52} />;
  if (!query.data) return <Failed error={query.error} retry={() => void query.refetch()} />;
  const entries = query.data.pages.flatMap((page) => page.items);
  const total = query.data.pages[0]?.total ?? 0;
  if (entries.length === 0)
    return isFiltered ? (
      <Empty
        title="No entries match these filters"
        action={
          <Button variant="outlined" color="inherit" onClick={onClear}>
            Clear filters
          </Button>
        }
      />
    ) : (
      <Empty title="Nothing recorded yet">Decisions, sign-ins and changes of settings appear here.</Empty>
    );
  return (
    <Box sx={{ opacity: query.isPlaceholderData ? 0.6 : 1 }}>
      <Stack direction="row" sx={{ alignItems: "center", gap: 1, mb: 0.75, minHeight: 32 }}>
        <Typography variant="caption" color="textSecondary" role="status">
          {entries.length < total
            ? `${entries.length.toLocaleString()} of ${total.toLocaleString()} entries`
            : total === 1
              ? "1 entry"
              : `${total.toLocaleString()} entries`}
        </Typography>
        <Box sx={{ flex: 1 }} />
        {isFiltered && (
          <Button variant="text" color="inherit" onClick={onClear}>
            Clear filters
          </Button>
        )}
        <Button
          variant="text"
          color="inherit"
          loading={query.isRefetching && !query.isFetchingNextPage}
          onClick={() => void query.refetch()}
        >
          Refresh
        </Button>
      </Stack>
      <EntryTable entries={entries} />
      <ShowMore query={query} label="Show older entries" />
    </Box>
  );
}

function EntryTable({ entries }: { entries: AuditEntry[] }) {
  const nameOf = useUserName();
  const columns: Column<AuditEntry>[] = [
    { head: "Action", width: "minmax(0, 1.3fr)", cell: (entry) => <ActionCell entry={entry} /> },
    { head: "Object", width: "minmax(0, 1.9fr)", cell: (entry) => <ObjectName {...entry} /> },
    {
      head: "Actor",
      width: "minmax(0, 1.2fr)",
      cell: ({ actor, credential }) => (
        <span>
          <bdi>{nameOf(actor)}</bdi>
          {credential && (
            <Typography variant="caption" color="textSecondary" component="span" sx={{ display: "block" }}>
              token <bdi>{credential}</bdi>
            </Typography>
          )}
        </span>
      ),
    },
    {
      head: "Way",
      width: "minmax(0, 1fr)",
      cell: ({ way, peer }) => (
        <span>
          {wayLabel(way)}
          {peer && (
            <Typography variant="caption" color="textSecondary" component="span" sx={{ display: "block" }}>
              {peer}
            </Typography>
          )}
        </span>
      ),
    },
    { head: "Time", width: "minmax(0, 1fr)", cell: ({ at }) => <Moment at={at} /> },
  ];
  return <DataTable label="Audit log" columns={columns} rows={entries} keyOf={({ id }) => id} />;
}

function ActionCell({ entry }: { entry: AuditEntry }) {
  const details = detailsOf(entry);
  const name = (
    <Box
      component="span"
      sx={{ fontWeight: 600, color: entry.action === "refused" ? "error.main" : "text.primary" }}
    >
      {actionLabel(entry)}
    </Box>
  );
  if (details.length === 0) return name;
  return (
    <Fold label={name} quiet>
      {details.map((line) => (
        <Typography key={line} variant="caption" color="textSecondary" component="p" dir="auto">
          {line}
        </Typography>
      ))}
    </Fold>
  );
}

/** The object of an entry, by its name at that time, with a link where there is a page. */
function ObjectName({ object: id, object_name: name }: Pick<AuditEntry, "object" | "object_name">) {
  if (!name) return <Mono>{id}</Mono>;
  switch (objectKind(id)) {
    case "task":
      return (
        <span title={id}>
          <TextLink to="/tasks/$taskId" params={{ taskId: id }}>
            <Name text={name} />
          </TextLink>
        </span>
      );
    case "project":
      return (
        <span title={id}>
          Project{" "}
          <TextLink to="/tasks" search={{ project: id }}>
            <bdi>{name}</bdi>
          </TextLink>
        </span>
      );
    case "token":
      return (
        <span title={id}>
          Token <bdi>{name}</bdi>
        </span>
      );
    case "user":
    case null:
      return (
        <span title={id}>
          <bdi>{name}</bdi>
        </span>
      );
  }
}

function Moment({ at }: { at: string }) {
  return (
    <time dateTime={at}>
      {dateOf(at)}
      <Typography variant="caption" color="textSecondary" component="span" sx={{ display: "block" }}>
        {timeOfDay(at)}
      </Typography>
    </time>
  );
}

/** The name of a user; other users by id. */
function useUserName(): (id: string) => string {
  const me = useQuery(meQuery).data;
  return (id) => (me?.id === id ? me.name : id);
}
