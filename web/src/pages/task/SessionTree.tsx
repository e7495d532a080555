// A task's sessions as a tree, each with its state, what blocks it, and how far it is.

import { Box, Stack, Typography } from "@mui/material";
import { useMemo } from "react";
import type { WorkSession } from "../../api/types";
import { Ago } from "../../components/Ago";
import { Glyph } from "../../components/Glyph";
import { LinkBox } from "../../components/links";
import { ProgressBar } from "../../components/ProgressBar";
import { blockersOf, sessionStatus } from "../../model/status";
import { sessionTree } from "../../model/tree";

interface Props {
  sessions: WorkSession[];
  taskId: string;
  chosen?: string;
}

export function SessionTree({ sessions, taskId, chosen }: Props) {
  const branches = useMemo(() => sessionTree(sessions), [sessions]);
  return (
    <Box component="ul" aria-label="Sessions" sx={{ listStyle: "none", m: 0, p: 0 }}>
      {branches.map(({ session, depth }) => (
        <Box component="li" key={session.id} sx={{ pl: Math.min(depth, 4) * 2.25 }}>
          <Row session={session} all={sessions} taskId={taskId} isChosen={session.id === chosen} />
        </Box>
      ))}
    </Box>
  );
}

function Row(props: { session: WorkSession; all: WorkSession[]; taskId: string; isChosen: boolean }) {
  const { session, all, taskId, isChosen } = props;
  const { tone, label } = sessionStatus(session.status);
  return (
    <LinkBox
      to="/tasks/$taskId"
      params={{ taskId }}
      search={{ tab: "sessions", session: session.id }}
      aria-current={isChosen ? "true" : undefined}
      sx={{
        display: "flex",
        gap: 1.125,
        px: 1.125,
        py: 0.875,
        mb: "2px",
        borderRadius: 0.875,
        color: "inherit",
        textDecoration: "none",
        bgcolor: isChosen ? "action.selected" : "transparent",
        "&:hover": { bgcolor: isChosen ? "action.selected" : "action.hover" },
        "&:focus-visible": { outline: "2px solid var(--mui-palette-primary-main)", outlineOffset: -2 },
      }}
    >
      <Box sx={{ height: 20, display: "flex", alignItems: "center" }}>
        <Glyph tone={tone} />
      </Box>
      <Box sx={{ flex: 1, minWidth: 0 }}>
        <Typography variant="body2" noWrap sx={{ fontWeight: 540 }} title={session.name}>
          {session.name}
        </Typography>
        <Stack direction="row" sx={{ gap: 1, alignItems: "center" }}>
          <Typography
            variant="caption"
            color={session.status === "failed" ? "error" : "textSecondary"}
            noWrap
          >
            {note(session, all, label)}
          </Typography>
          {session.status === "active" && session.phase !== "planning" && (
            <Box sx={{ width: 96, flexShrink: 0 }}>
              <ProgressBar value={session.progress} label={`Progress of ${session.name}`} />
            </Box>
          )}
        </Stack>
      </Box>
      <Typography variant="caption" color="textSecondary">
        <Ago at={session.completed_at ?? session.started_at} />
      </Typography>
    </LinkBox>
  );
}

function note(session: WorkSession, all: WorkSession[], label: string): string {
  if (session.status === "failed" && session.last_error) return session.last_error.message;
  const blockers = blockersOf(session, all);
  if (blockers.length > 0 && (session.status === "blocked" || session.status === "pending")) {
    return `Waits for ${blockers.join(", ")}`;
  }
  return session.creation_method === "planned"
    ? label
    : `${label} · ${session.creation_method.replace("_", " ")}`;
}
