// Everything that was found, to be narrowed down; all of it is in the address.

import SearchRounded from "@mui/icons-material/SearchRounded";
import {
  Box,
  Checkbox,
  FormControlLabel,
  InputAdornment,
  Stack,
  TextField,
  ToggleButton,
  ToggleButtonGroup,
  Typography,
} from "@mui/material";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { searchQuery } from "../api/queries";
import type { SearchResult } from "../api/types";
import { Ago } from "../components/Ago";
import { Fold } from "../components/Fold";
import { Found } from "../components/Found";
import { LinkBox, TextLink } from "../components/links";
import { Page } from "../components/Page";
import { ProjectSelect } from "../components/ProjectSelect";
import { ShowMore } from "../components/ShowMore";
import { Empty, Failed, Rows } from "../components/States";
import { type Finding, findings, KIND_LABELS, keyOf, linkTo, SEARCH_KINDS } from "../model/found";
import { usePause } from "../model/pause";
import type { FindSearch } from "../router";

export function SearchPage() {
  const search = useSearch({ from: "/app/search" });
  const navigate = useNavigate();
  const change = (more: Partial<FindSearch>) =>
    void navigate({ to: "/search", search: { ...search, ...more }, replace: true });
  return (
    <Page title="Search">
      <Words value={search.q ?? ""} onChange={(q) => change({ q: q || undefined })} />
      <Narrow search={search} onChange={change} />
      <Results search={search} />
    </Page>
  );
}

function Words({ value, onChange }: { value: string; onChange: (q: string) => void }) {
  const [text, setText] = useState(value);
  const rested = usePause(text, 200);
  const told = useRef(value);
  const tell = useRef(onChange);
  tell.current = onChange;
  useEffect(() => {
    // The address changed by other means than typing.
    if (value !== told.current) setText(value);
    told.current = value;
  }, [value]);
  useEffect(() => {
    if (rested === told.current) return;
    told.current = rested;
    tell.current(rested);
  }, [rested]);
  return (
    <TextField
      type="search"
      autoFocus
      placeholder="Words, &quot;a phrase&quot;, begin*, -without, this OR that"
      value={text}
      onChange={(event) => setText(event.target.value)}
      onKeyDown={(event) => {
        if (event.key === "ArrowDown") focusResult(event, 0);
      }}
      slotProps={{
        htmlInput: { "aria-label": "Search", maxLength: 1000 },
        input: {
          startAdornment: (
            <InputAdornment position="start">
              <SearchRounded fontSize="small" />
            </InputAdornment>
          ),
        },
      }}
    />
  );
}

function Narrow({ search, onChange }: { search: FindSearch; onChange: (more: Partial<FindSearch>) => void }) {
  return (
    <Stack direction="row" sx={{ gap: 1.5, my: 1.5, flexWrap: "wrap", alignItems: "center" }}>
      <ToggleButtonGroup
        exclusive
        size="small"
        aria-label="Where to search"
        value={search.kind ?? ""}
        onChange={(_, kind) => onChange({ kind: kind || undefined })}
      >
        <ToggleButton value="">All</ToggleButton>
        {SEARCH_KINDS.map((kind) => (
          <ToggleButton key={kind} value={kind}>
            {KIND_LABELS[kind]}
          </ToggleButton>
        ))}
      </ToggleButtonGroup>
      <ProjectSelect
        fullWidth={false}
        value={search.project}
        onChange={(project) => onChange({ project })}
        sx={{ minWidth: 150 }}
      />
      <FormControlLabel
        control={
          <Checkbox
            size="small"
            checked={Boolean(search.archived)}
            onChange={(_, archived) => onChange({ archived: archived || undefined })}
          />
        }
        label={<Typography variant="body2">Include archived</Typography>}
      />
    </Stack>
  );
}

function Results({ search }: { search: FindSearch }) {
  const q = search.q?.trim() ?? "";
  const query = useInfiniteQuery(
    searchQuery({ q, kind: search.kind, project: search.project, archived: search.archived }),
  );
  if (q === "") {
    return (
      <Empty title="What are you looking for?">
        Names, prompts, requirements, designs, plans, and the logs of sessions.
      </Empty>
    );
  }
  if (query.isPending) return <Rows count={6} height={64} />;
  if (!query.data) return <Failed error={query.error} retry={() => void query.refetch()} />;
  const found = findings(query.data.pages.flatMap((page) => page.items));
  const total = query.data.pages[0]?.total ?? 0;
  if (found.length === 0) {
    return <Empty title="No results">Try fewer words.</Empty>;
  }
  return (
    <Box sx={{ opacity: query.isPlaceholderData ? 0.6 : 1 }}>
      <Typography variant="caption" color="textSecondary" role="status" component="p" sx={{ mb: 0.75 }}>
        {total === 1 ? "1 result" : `${total.toLocaleString()} results`}
      </Typography>
      <Box
        role="list"
        sx={{ border: 1, borderColor: "divider", borderRadius: 1, bgcolor: "background.paper" }}
      >
        {found.map((finding, at) => (
          <Row key={keyOf(finding.result)} finding={finding} at={at} />
        ))}
      </Box>
      <ShowMore query={query} label="Show more" />
    </Box>
  );
}

function Row({ finding: { result, again }, at }: { finding: Finding; at: number }) {
  return (
    <Box role="listitem" sx={{ "& + &": { borderTop: 1, borderColor: "divider" } }}>
      <LinkBox
        {...linkTo(result)}
        data-result={at}
        onKeyDown={(event: KeyboardEvent) => {
          const step = { ArrowDown: 1, ArrowUp: -1, j: 1, k: -1 }[event.key];
          if (step) focusResult(event, at + step);
        }}
        sx={{
          display: "block",
          px: 2,
          py: 1.25,
          color: "inherit",
          textDecoration: "none",
          "&:hover": { bgcolor: "action.hover" },
          "&:focus-visible": { outlineOffset: -2 },
        }}
      >
        <Found result={result} />
      </LinkBox>
      {again.length > 0 && (
        <Box sx={{ px: 2, pb: 0.75, mt: -0.75 }}>
          <Fold label={`and ${again.length} more in this session`} quiet>
            <Again results={again} />
          </Fold>
        </Box>
      )}
    </Box>
  );
}

function Again({ results }: { results: SearchResult[] }) {
  return (
    <Stack component="ul" sx={{ m: 0, p: 0, listStyle: "none", gap: 0.25 }}>
      {results.map((result) => (
        <Typography key={keyOf(result)} component="li" variant="caption" color="textSecondary">
          <TextLink {...linkTo(result)}>Entry {result.seq}</TextLink> · <Ago at={result.at} />
        </Typography>
      ))}
    </Stack>
  );
}

/** Moves among the results; before the first is the field. */
function focusResult(event: KeyboardEvent, at: number): void {
  const next = document.querySelector<HTMLElement>(at < 0 ? "input[type=search]" : `[data-result="${at}"]`);
  if (!next) return;
  event.preventDefault();
  next.focus();
}
