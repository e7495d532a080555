// The decision about what is under review, in reach wherever the page is scrolled to, and by a key each.

import { Box, Stack } from "@mui/material";
import { type ReactNode, useEffect, useRef } from "react";
import { ActionButton } from "../../components/Action";
import { InDecisionSlot } from "../../components/DecisionSlot";
import { useHotkey } from "../../components/hotkeys";
import { useIsOffline } from "../../live/provider";
import { LOW, NO_PRINT } from "../../theme";

interface Props {
  /** The subject of the decision, in a line. */
  facts: ReactNode;
  approve: string;
  /** How many comments go with a request. */
  count: number;
  busy: boolean;
  /** Why nothing can be approved or sent back yet. */
  unavailable?: string;
  error: ReactNode;
  onApprove: () => void;
  onRequest: () => void;
  onReject: () => void;
}

export function DecisionBar({ facts, approve, count, busy, unavailable, error, ...on }: Props) {
  const bar = useRoom();
  const isOffline = useIsOffline();
  const isLocked = busy || isOffline;
  useHotkey("a", isLocked || unavailable ? undefined : on.onApprove);
  useHotkey("r", isLocked || unavailable ? undefined : on.onRequest);
  useHotkey("x", isLocked ? undefined : on.onReject);
  return (
    <InDecisionSlot>
      <Box
        ref={bar}
        component="section"
        aria-label="Decision"
        sx={{
          position: "fixed",
          // Above the places to go on a narrow screen, beside them on a wide one.
          bottom: { xs: "calc(54px + env(safe-area-inset-bottom))", md: 0 },
          left: { xs: 0, md: 212 },
          right: 0,
          zIndex: 1040,
          [LOW]: { position: "static" },
          ...NO_PRINT,
          px: { xs: 2, sm: 3, md: 4 },
          py: 1.25,
          borderTop: 1,
          borderColor: "divider",
          bgcolor: "background.paper",
          boxShadow: "0 -4px 16px rgba(0,0,0,.06)",
        }}
      >
        {error}
        <Stack
          direction={{ xs: "column", sm: "row" }}
          sx={{ alignItems: { sm: "center" }, gap: { xs: 1, sm: 2 }, maxWidth: 1336, mx: "auto" }}
        >
          <Stack
            direction="row"
            sx={{ gap: 1, order: { sm: 2 }, flexShrink: 0, flexWrap: { xs: "wrap", sm: "nowrap" } }}
          >
            <ActionButton
              variant="contained"
              size="medium"
              loading={busy}
              disabled={busy}
              unavailable={unavailable}
              aria-keyshortcuts="a"
              onClick={on.onApprove}
              // On a line of its own on a phone.
              sx={{ flex: { xs: "1 0 100%", sm: "none" } }}
            >
              {approve}
              <Key>A</Key>
            </ActionButton>
            <ActionButton
              variant="outlined"
              color="inherit"
              size="medium"
              disabled={busy}
              unavailable={unavailable}
              aria-keyshortcuts="r"
              onClick={on.onRequest}
              sx={{ flex: { xs: "1 0 auto", sm: "none" } }}
            >
              Request changes{count > 0 && ` (${count})`}
              <Key>R</Key>
            </ActionButton>
            <ActionButton
              variant="text"
              color="error"
              size="medium"
              disabled={busy}
              aria-keyshortcuts="x"
              onClick={on.onReject}
            >
              Reject
              <Key>X</Key>
            </ActionButton>
          </Stack>
          <Box sx={{ flex: 1, minWidth: 0, fontSize: "0.8125rem", color: "text.secondary" }}>{facts}</Box>
        </Stack>
      </Box>
    </InDecisionSlot>
  );
}

/** A key as a visual hint; the button itself tells screen readers. */
function Key({ children }: { children: string }) {
  return (
    <Box
      component="span"
      aria-hidden
      sx={{
        display: { xs: "none", lg: "inline" },
        ml: 1,
        px: 0.625,
        border: 1,
        borderColor: "currentColor",
        borderRadius: 0.5,
        fontSize: "0.6875rem",
        lineHeight: 1.4,
      }}
    >
      {children}
    </Box>
  );
}

/** Keeps as much room free below the page as the bar covers, also for what is scrolled to by the keyboard. */
function useRoom() {
  const observer = useRef<ResizeObserver>(undefined);
  useEffect(() => () => keepRoom(observer, null), []);
  return (bar: HTMLElement | null) => keepRoom(observer, bar);
}

function keepRoom(observer: { current: ResizeObserver | undefined }, bar: HTMLElement | null): void {
  const { style } = document.documentElement;
  observer.current?.disconnect();
  observer.current = undefined;
  if (!bar) {
    style.removeProperty("--decision-room");
    return;
  }
  observer.current = new ResizeObserver(() => {
    const covered = getComputedStyle(bar).position === "fixed" ? bar.getBoundingClientRect().height : 0;
    style.setProperty("--decision-room", `${Math.ceil(covered)}px`);
  });
  observer.current.observe(bar);
}
