// Searching from anywhere: Ctrl+K, or / where no list has it, opens it; arrows choose, Enter goes there.

import SearchRounded from "@mui/icons-material/SearchRounded";
import { Box, ButtonBase, Dialog, IconButton, InputBase, Stack, Tooltip, Typography } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type KeyboardEvent as KeyPress, useEffect, useId, useState } from "react";
import { quickSearchQuery } from "../api/queries";
import type { SearchResult } from "../api/types";
import { findings, keyOf, linkTo, whileTyping } from "../model/found";
import { usePause } from "../model/pause";
import { MONO } from "../theme";
import { Found } from "./Found";
import { isTyping } from "./Shortcuts";
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
    const onKey = (event: KeyboardEvent) => {
      const isCtrlK = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k";
      // A list that is narrowed down by the same key takes it first.
      const isSlash = event.key === "/" && !event.defaultPrevented && !isTyping(event);
      if (!isCtrlK && !isSlash) return;
      event.preventDefault();
      setOpen(true);
    };
    asked.addEventListener("open", show);
    window.addEventListener("keydown", onKey);
    return () => {
      asked.removeEventListener("open", show);
      window.removeEventListener("keydown", onKey);
    };
  }, []);
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

function Palette({ close }: { close: () => void }) {
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const list = useId();
  const navigate = useNavigate();
  const q = usePause(whileTyping(text).trim(), 120);
  const query = useQuery(quickSearchQuery({ q }));
  const isAsked = q !== "";
  const results = isAsked ? findings(query.data?.items ?? []).map(({ result }) => result) : [];
  const total = isAsked ? (query.data?.total ?? 0) : 0;
  // The line after the results leads to all of them.
  const chosen = Math.min(at, results.length);

  const go = (result: SearchResult | undefined) => {
    close();
    if (result) {
      void navigate(linkTo(result));
    } else {
      void navigate({ to: "/search", search: { q: text.trim() || undefined } });
    }
  };
  const onKey = (event: KeyPress) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      setAt((chosen + step + results.length + 1) % (results.length + 1));
    } else if (event.key === "Enter" && !event.nativeEvent.isComposing) {
      event.preventDefault();
      go(results[chosen]);
    }
  };

  return (
    <>
      <Stack direction="row" sx={{ alignItems: "center", gap: 1.25, px: 2, height: 52 }}>
        <SearchRounded sx={{ fontSize: 20, color: "text.secondary" }} />
        <InputBase
          autoFocus
          fullWidth
          placeholder="Search tasks, specifications and conversations"
          value={text}
          onChange={(event) => {
            setText(event.target.value);
            setAt(0);
          }}
          onKeyDown={onKey}
          inputProps={{
            "aria-label": "Search",
            role: "combobox",
            "aria-expanded": results.length > 0,
            "aria-controls": list,
            "aria-activedescendant": isAsked ? `${list}-${chosen}` : undefined,
            maxLength: 1000,
          }}
        />
      </Stack>
      {isAsked && (
        <Box
          id={list}
          role="listbox"
          aria-label="Results"
          sx={{ borderTop: 1, borderColor: "divider", py: 0.75, maxHeight: "60vh", overflowY: "auto" }}
        >
          {query.isError && (
            <Box sx={{ px: 2 }}>
              <Failed error={query.error} />
            </Box>
          )}
          {results.map((result, index) => (
            <Line
              key={keyOf(result)}
              id={`${list}-${index}`}
              isChosen={index === chosen}
              onPoint={() => setAt(index)}
              onClick={() => go(result)}
            >
              <Found result={result} isShort />
            </Line>
          ))}
          {!query.isPending && !query.isError && results.length === 0 && (
            <Typography variant="body2" color="textSecondary" role="status" sx={{ px: 2, py: 1.5 }}>
              No results. Try fewer words.
            </Typography>
          )}
          <Line
            id={`${list}-${results.length}`}
            isChosen={chosen === results.length}
            onPoint={() => setAt(results.length)}
            onClick={() => go(undefined)}
          >
            <Typography variant="body2" color="textSecondary">
              {total > results.length ? `All ${total.toLocaleString()} results` : "Open the search page"}
            </Typography>
          </Line>
        </Box>
      )}
    </>
  );
}

function Line(props: {
  id: string;
  isChosen: boolean;
  onPoint: () => void;
  onClick: () => void;
  children: React.ReactNode;
}) {
  return (
    <ButtonBase
      id={props.id}
      role="option"
      aria-selected={props.isChosen}
      tabIndex={-1}
      onMouseMove={props.onPoint}
      onClick={props.onClick}
      ref={(element) => {
        if (props.isChosen) element?.scrollIntoView({ block: "nearest" });
      }}
      sx={{
        display: "flex",
        justifyContent: "flex-start",
        textAlign: "left",
        width: "100%",
        px: 2,
        py: 0.875,
        bgcolor: props.isChosen ? "action.selected" : "transparent",
      }}
    >
      {props.children}
    </ButtonBase>
  );
}
