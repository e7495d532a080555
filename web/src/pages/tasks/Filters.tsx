// The filters of the task list; all of them are in the address, so that a list can be saved and shared.

import FilterListRounded from "@mui/icons-material/FilterListRounded";
import SearchRounded from "@mui/icons-material/SearchRounded";
import { Box, Button, ButtonBase, InputAdornment, Stack, TextField } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { needsYouQuery } from "../../api/queries";
import { FilterSelect } from "../../components/FilterSelect";
import { useHotkey } from "../../components/hotkeys";
import { ProjectSelect } from "../../components/ProjectSelect";
import { NEEDS_YOU_FIRST, SORTS, type TasksSearch } from "../../model/filter";
import {
  GROUP_NAMES,
  GROUPS,
  type Group,
  isGroup,
  PRIORITIES,
  STATUS_FILTERS,
  statusFilterLabel,
  TYPE_FILTERS,
  typeFilterLabel,
  words,
} from "../../model/status";

const CHOICE = {
  "& .MuiSelect-select": { fontSize: { xs: "0.8125rem", sm: "0.875rem" }, pl: { xs: 1.25, sm: 1.75 } },
} as const;
/** On a screen of middle width there are three in a line, and then two. */
const THIRD = { ...CHOICE, gridColumn: { sm: "span 2", lg: "auto" } } as const;
const HALF = { ...CHOICE, gridColumn: { sm: "span 3", lg: "auto" } } as const;

/** Shadows at the ends of what scrolls sideways, where more follows: covers that scroll along hide them at an end. */
const SCROLL_SHADOWS = {
  "--ground": "var(--mui-palette-background-default)",
  "--shadow": "color-mix(in srgb, var(--mui-palette-text-primary) 24%, transparent)",
  backgroundImage: [
    "linear-gradient(to right, var(--ground) 50%, transparent)",
    "linear-gradient(to left, var(--ground) 50%, transparent)",
    "linear-gradient(to right, var(--shadow), transparent)",
    "linear-gradient(to left, var(--shadow), transparent)",
  ].join(", "),
  backgroundPosition: "left, right, left, right",
  backgroundSize: "36px 100%, 36px 100%, 16px 100%, 16px 100%",
  backgroundRepeat: "no-repeat",
  backgroundAttachment: "local, local, scroll, scroll",
} as const;

interface Props {
  search: TasksSearch;
  onChange: (change: Partial<TasksSearch>, replace?: boolean) => void;
}

export function Filters({ search, onChange }: Props) {
  // A group is chosen by its button; the list says which one was.
  const [isOpen, setOpen] = useState(false);
  // On a phone they are shown when they are asked for.
  const choice = { ...THIRD, display: { xs: isOpen ? "flex" : "none", sm: "flex" } };
  const chosen = [
    search.status && !isGroup(search.status),
    search.type,
    search.project,
    search.priority,
  ].filter(Boolean).length;
  const statuses = STATUS_FILTERS.filter((each) => !isGroup(each) || each === search.status);
  return (
    <Stack sx={{ gap: 1.5, mb: 1.5 }}>
      <Stack
        direction="row"
        role="group"
        aria-label="Filter by status"
        sx={{ gap: 0.5, overflowX: "auto", mx: -0.5, px: 0.5, py: 0.25, ...SCROLL_SHADOWS }}
      >
        <GroupButton label="All" chosen={!search.status} onClick={() => onChange({ status: undefined })} />
        {GROUP_NAMES.map((group) => (
          <GroupButton
            key={group}
            group={group}
            label={GROUPS[group].label}
            chosen={search.status === group}
            onClick={() => onChange({ status: search.status === group ? undefined : group })}
          />
        ))}
      </Stack>
      <Box
        sx={{
          display: "grid",
          gap: 1,
          gridTemplateColumns: {
            xs: "repeat(2, minmax(0, 1fr))",
            sm: "repeat(6, minmax(0, 1fr))",
            lg: "minmax(160px, 1fr) repeat(5, minmax(96px, auto))",
          },
        }}
      >
        <Search value={search.q ?? ""} onChange={(q) => onChange({ q: q || undefined }, true)} />
        <Button
          variant="outlined"
          color="inherit"
          startIcon={<FilterListRounded />}
          aria-expanded={isOpen}
          onClick={() => setOpen(!isOpen)}
          sx={{ display: { xs: "flex", sm: "none" } }}
        >
          Filter{chosen > 0 && ` (${chosen})`}
        </Button>
        <FilterSelect
          sx={choice}
          label="Status"
          value={search.status ?? ""}
          onChange={(status) => onChange({ status: status || undefined })}
          options={[
            ["", "Any status"],
            ...statuses.map((status) => [status, statusFilterLabel(status)] as const),
          ]}
        />
        <FilterSelect
          sx={choice}
          label="Type"
          value={search.type ?? ""}
          onChange={(type) => onChange({ type: type || undefined })}
          options={[["", "Any type"], ...TYPE_FILTERS.map((type) => [type, typeFilterLabel(type)] as const)]}
        />
        <ProjectSelect value={search.project} onChange={(project) => onChange({ project })} sx={choice} />
        <FilterSelect
          sx={{ ...HALF, display: choice.display }}
          label="Priority"
          value={search.priority ?? ""}
          onChange={(priority) => onChange({ priority: priority || undefined })}
          options={[
            ["", "Any priority"],
            ...PRIORITIES.map((priority) => [priority, words(priority)] as const),
          ]}
        />
        <FilterSelect
          sx={HALF}
          label="Sort"
          value={search.sort ?? NEEDS_YOU_FIRST}
          onChange={(sort) => onChange({ sort: sort === NEEDS_YOU_FIRST ? undefined : sort })}
          options={SORTS}
        />
      </Box>
    </Stack>
  );
}

function GroupButton(props: { label: string; chosen: boolean; onClick: () => void; group?: Group }) {
  const needsYou = props.group === "needs_you";
  const count = useQuery({ ...needsYouQuery, enabled: needsYou }).data;
  return (
    <ButtonBase
      aria-pressed={props.chosen}
      onClick={props.onClick}
      sx={{
        px: 1.25,
        height: 30,
        flexShrink: 0,
        borderRadius: "7px",
        fontSize: "0.8125rem",
        fontWeight: props.chosen ? 600 : 500,
        color: props.chosen ? "text.primary" : "text.secondary",
        bgcolor: props.chosen ? "action.selected" : "transparent",
        "&:hover": { bgcolor: props.chosen ? "action.selected" : "action.hover" },
      }}
    >
      {props.label}
      {needsYou && count ? (
        <Box
          component="span"
          sx={{ ml: 0.75, color: "warningText", fontWeight: 650, fontVariantNumeric: "tabular-nums" }}
        >
          {count}
        </Box>
      ) : null}
    </ButtonBase>
  );
}

/** How long typing may pause before the list is asked for, in milliseconds. */
const PAUSE = 200;

function Search({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const [text, setText] = useState(value);
  const input = useRef<HTMLInputElement>(null);
  const told = useRef(value);
  const tell = useRef(onChange);
  tell.current = onChange;

  useEffect(() => {
    // The address changed by other means than typing.
    if (value !== told.current) setText(value);
    told.current = value;
  }, [value]);

  useEffect(() => {
    if (text === told.current) return;
    const timer = setTimeout(() => {
      told.current = text;
      tell.current(text);
    }, PAUSE);
    return () => clearTimeout(timer);
  }, [text]);

  useHotkey("/", () => input.current?.focus());

  return (
    <TextField
      type="search"
      placeholder="Search tasks"
      value={text}
      onChange={(event) => setText(event.target.value)}
      inputRef={input}
      sx={{ gridColumn: { xs: "1 / -1", lg: "auto" } }}
      slotProps={{
        htmlInput: { "aria-label": "Search tasks" },
        input: {
          startAdornment: (
            <InputAdornment position="start">
              <SearchRounded sx={{ fontSize: 18 }} />
            </InputAdornment>
          ),
        },
      }}
    />
  );
}
