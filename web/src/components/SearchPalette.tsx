// Searching from anywhere: Ctrl+K, or / where no list has it, opens it; arrows choose, Enter goes there.

import SearchRounded from "@mui/icons-material/SearchRounded";
import { Box, ButtonBase, Dialog, IconButton, InputBase, Stack, Tooltip, Typography } from "@mui/material";
import useAutocomplete from "@mui/material/useAutocomplete";
import { useQuery } from "@tanstack/react-query";
import { useMatchRoute, useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { quickSearchQuery } from "../api/queries";
import type { SearchResult } from "../api/types";
import { findings, keyOf, linkTo, whileTyping } from "../model/found";
import { usePause } from "../model/pause";
import { MONO } from "../theme";
import { Found } from "./Found";
import { useCommandKey, useHotkey } from "./hotkeys";
import { Failed } from "./States";

/** Opens the search, wherever it is asked for. */
const asked = new EventTarget();
const open = () => asked.dispatchEvent(new Event("open"));

export function SearchButton() {
  return (
    <ButtonBase
      onClick={open}
      aria-keyshortcuts="Control+K"
      sx={{
        justifyContent: "flex-start",
        gap: 1,
        px: 1.25,
        mb: 1.5,
        height: 34,
        border: 1,
        borderColor: "divider",
        borderRadius: "7px",
        bgcolor: "background.paper",
        color: "text.secondary",
        fontSize: "0.8125rem",
        "&:hover": { color: "text.primary" },
      }}
    >
      <SearchRounded sx={{ fontSize: 18, opacity: 0.8 }} />
      Search
      <Box
        component="kbd"
        sx={{ ml: "auto", fontFamily: MONO, fontSize: "0.6875rem", color: "text.secondary" }}
      >
        Ctrl K
      </Box>
    </ButtonBase>
  );
}

export function SearchIconButton() {
  return (
    <Tooltip title="Search">
      <IconButton aria-label="Search" onClick={open}>
        <SearchRounded fontSize="small" />
      </IconButton>
    </Tooltip>
  );
}

export function SearchPalette() {
  const [isOpen, setOpen] = useState(false);
  useEffect(() => {
    const show = () => setOpen(true);
    asked.addEventListener("open", show);
    return () => asked.removeEventListener("open", show);
  }, []);
  // The list of tasks is narrowed down by this key.
  const isList = Boolean(useMatchRoute()({ to: "/tasks" }));
  useHotkey("/", isList ? undefined : open);
  useCommandKey("k", open);
  return (
    <Dialog
      open={isOpen}
      onClose={() => setOpen(false)}
      maxWidth="sm"
      fullWidth
      sx={{ "& .MuiDialog-container": { alignItems: "flex-start" } }}
      slotProps={{
        paper: {
          "aria-label": "Search",
          sx: { mt: { xs: 2, sm: "12vh" }, mx: { xs: 2, sm: 4 }, width: "100%" },
        },
      }}
    >
      <Palette close={() => setOpen(false)} />
    </Dialog>
  );
}

/** The target of a line of the palette; nothing for all results. */
type Choice = SearchResult | null;

function Palette({ close }: { close: () => void }) {
  const [text, setText] = useState("");
  const navigate = useNavigate();
  const q = usePause(whileTyping(text).trim(), 120);
  const query = useQuery(quickSearchQuery({ q }));
  const isAsked = q !== "";
  const results = isAsked ? findings(query.data?.items ?? []).map(({ result }) => result) : [];
  const total = isAsked ? (query.data?.total ?? 0) : 0;

  const go = (choice: Choice) => {
    close();
    if (choice) void navigate(linkTo(choice));
    else void navigate({ to: "/search", search: { q: text.trim() || undefined } });
  };
  // The line after the results leads to all of them.
  const choices: { to: Choice }[] = [...results.map((to) => ({ to })), { to: null }];
  const list = useAutocomplete({
    options: choices,
    open: isAsked,
    value: null,
    inputValue: text,
    autoHighlight: true,
    clearOnBlur: false,
    filterOptions: (all) => all,
    getOptionKey: ({ to }) => (to ? keyOf(to) : "all"),
    getOptionLabel: () => text,
    isOptionEqualToValue: (option, value) => option.to === value.to,
    onInputChange: (_event, typed, reason) => {
      if (reason === "input") setText(typed);
    },
    onChange: (_event, choice) => {
      if (choice) go(choice.to);
    },
    onClose: (_event, reason) => {
      if (reason === "escape") close();
    },
  });

  return (
    <>
      <Stack
        {...list.getRootProps()}
        direction="row"
        sx={{ alignItems: "center", gap: 1.25, px: 2, height: 52 }}
      >
        <SearchRounded sx={{ fontSize: 20, color: "text.secondary" }} />
        <InputBase
          autoFocus
          fullWidth
          placeholder="Search tasks, specifications and conversations"
          inputProps={{ ...list.getInputProps(), "aria-label": "Search", maxLength: 1000 }}
        />
      </Stack>
      {isAsked && (
        <Box sx={{ borderTop: 1, borderColor: "divider", py: 0.75, maxHeight: "60vh", overflowY: "auto" }}>
          {query.isError && (
            <Box sx={{ px: 2 }}>
              <Failed error={query.error} />
            </Box>
          )}
          {!query.isPending && !query.isError && results.length === 0 && (
            <Typography variant="body2" color="textSecondary" role="status" sx={{ px: 2, py: 1.5 }}>
              No results. Try fewer words.
            </Typography>
          )}
          <Box
            component="ul"
            {...list.getListboxProps()}
            aria-labelledby={undefined}
            aria-label="Results"
            sx={{ m: 0, p: 0, listStyle: "none" }}
          >
            {choices.map((choice, index) => {
              const { key, ...option } = list.getOptionProps({ option: choice, index });
              return (
                <Box component="li" key={key} {...option} sx={LINE}>
                  {choice.to ? (
                    <Found result={choice.to} isShort />
                  ) : (
                    <Typography variant="body2" color="textSecondary">
                      {total > results.length
                        ? `All ${total.toLocaleString()} results`
                        : "Open the search page"}
                    </Typography>
                  )}
                </Box>
              );
            })}
          </Box>
        </Box>
      )}
    </>
  );
}

const LINE = {
  display: "flex",
  px: 2,
  py: 0.875,
  cursor: "pointer",
  "&.Mui-focused": { bgcolor: "action.selected" },
};
