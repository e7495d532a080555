// One session: what it is, what can be done with it, and its conversation.

import { Box, Button, Stack, Typography } from "@mui/material";
import { type RefObject, useLayoutEffect, useRef, useState } from "react";
import { useSessionAction } from "../../api/actions";
import type { WorkSession } from "../../api/types";
import { Since } from "../../components/Ago";
import { Confirm } from "../../components/Confirm";
import { Status } from "../../components/Glyph";
import { ActionError } from "../../components/States";
import { blockersOf, sessionStatus } from "../../model/status";
import { Composer } from "./Composer";
import { Conversation } from "./Conversation";

export function SessionPane({ session, all }: { session: WorkSession; all: WorkSession[] }) {
  const pane = useRef<HTMLElement>(null);
  const top = useTop(pane);
  return (
    <Box
      component="section"
      ref={pane}
      aria-label={session.name}
      sx={{
        display: "flex",
        flexDirection: "column",
        minWidth: 0,
        height: { xs: "calc(100dvh - 130px)", md: `max(420px, calc(100dvh - ${top + 24}px))` },
        border: 1,
        borderColor: "divider",
        borderRadius: 1.25,
        bgcolor: "background.paper",
        overflow: "hidden",
      }}
    >
      <Head session={session} all={all} />
      <Conversation sessionId={session.id} isActive={session.status === "active"} />
      {session.status === "active" && <Composer session={session} />}
    </Box>
  );
}

/** How far an element is from the top of the page, so that it can end where the window does. */
function useTop(element: RefObject<HTMLElement | null>): number {
  const [top, setTop] = useState(0);
  useLayoutEffect(() => {
    const measure = () => {
      if (element.current) setTop(Math.round(element.current.getBoundingClientRect().top + window.scrollY));
    };
    measure();
    // What stands above may grow or go: a banner, a question, a longer name.
    const observer = new ResizeObserver(measure);
    observer.observe(document.body);
    return () => observer.disconnect();
  }, [element]);
  return top;
}

function Head({ session, all }: { session: WorkSession; all: WorkSession[] }) {
  const act = useSessionAction(session);
  const [isCancelling, setCancelling] = useState(false);
  const { tone, label } = sessionStatus(session.status);
  const blockers = blockersOf(session, all);
  const isStuck = session.status === "failed" || session.status === "cancelled";
  const agent = (session.agent_config as { agent?: unknown } | null)?.agent;
  return (
    <Box sx={{ px: 2, py: 1.25, borderBottom: 1, borderColor: "divider" }}>
      <Stack direction="row" sx={{ alignItems: "center", gap: 1.5, flexWrap: "wrap", minHeight: 34 }}>
        <Typography variant="h3" component="h2" sx={{ minWidth: 0, overflowWrap: "anywhere" }}>
          {session.name}
        </Typography>
        <Status tone={tone} label={label} />
        <Box sx={{ flex: 1 }} />
        {isStuck && (
          <>
            <Button variant="contained" loading={act.isPending} onClick={() => act.mutate({ do: "retry" })}>
              Retry
            </Button>
            <Button
              variant="outlined"
              color="inherit"
              disabled={act.isPending}
              onClick={() => act.mutate({ do: "skip" })}
            >
              Skip
            </Button>
          </>
        )}
        {(session.status === "active" || session.status === "pending" || session.status === "blocked") && (
          <Button variant="outlined" color="inherit" onClick={() => setCancelling(true)}>
            Cancel session
          </Button>
        )}
      </Stack>
      <Typography variant="caption" color="textSecondary" component="p" sx={{ overflowWrap: "anywhere" }}>
        {typeof agent === "string" && `${agent} · `}
        {session.status === "active" && session.started_at && (
          <>
            running <Since at={session.started_at} />
            {" · "}
          </>
        )}
        {blockers.length > 0 ? `waits for ${blockers.join(", ")}` : session.phase}
      </Typography>
      {session.last_error && isStuck && (
        <Typography variant="body2" color="error" sx={{ mt: 0.5, overflowWrap: "anywhere" }}>
          {session.last_error.message}
        </Typography>
      )}
      {!isCancelling && <ActionError error={act.error} />}
      <Confirm
        open={isCancelling}
        title="Cancel this session?"
        action="Cancel session"
        busy={act.isPending}
        error={act.error}
        onClose={() => setCancelling(false)}
        onConfirm={() => act.mutate({ do: "cancel" }, { onSuccess: () => setCancelling(false) })}
      >
        What depends on it stays blocked until it is retried or skipped.
      </Confirm>
    </Box>
  );
}
