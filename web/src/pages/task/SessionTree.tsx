// A task's sessions as a tree, each with its state, what blocks it, and how far it is.

import { Box, Stack, Typography } from "@mui/material";
import { useMemo } from "react";
import type { TaskDetail, WorkSession } from "../../api/types";
import { Ago } from "../../components/Ago";
import { Glyph } from "../../components/Glyph";
import { Inline } from "../../components/Inline";
import { LinkBox } from "../../components/links";
import { useAsking } from "../../components/Permissions";
import { ProgressBar } from "../../components/ProgressBar";
import { blockersOf, sessionState } from "../../model/status";
import { sessionTree } from "../../model/tree";
import { useColliding } from "../crew/Collisions";
import { SessionActions } from "../crew/SessionActions";

interface Props {
  task: TaskDetail;
  chosen?: string;
  /** Whether a row leads to the session's own page. */
  leads?: boolean;
}

export function SessionTree({ task, chosen, leads = false }: Props) {
  const sessions = task.work_sessions;
  const colliding = useColliding(task);
  const asking = useAsking().sessions;
  const branches = useMemo(() => sessionTree(sessions), [sessions]);
  return (
    <Box component="ul" aria-label="Sessions" sx={{ listStyle: "none", m: 0, p: 0 }}>
      {branches.map(({ session, depth }) => (
        <Box
          component="li"
          key={session.id}
          sx={{
            ml: Math.min(depth, 4) * 2.25,
            display: "flex",
            alignItems: "flex-start",
            mb: "2px",
            borderRadius: 0.875,
            bgcolor: session.id === chosen ? "action.selected" : "transparent",
            "&:hover": { bgcolor: session.id === chosen ? "action.selected" : "action.hover" },
          }}
        >
          <Row
            session={session}
            all={sessions}
            isChosen={session.id === chosen}
            isSpawned={depth > 0}
            collides={colliding.has(session.id)}
            asks={asking.has(session.id)}
            leads={leads}
          />
          <Box sx={{ pt: 0.75, pr: 0.5 }}>
            <SessionActions session={session} task={task} room="row" />
          </Box>
        </Box>
      ))}
    </Box>
  );
}

interface RowProps {
  session: WorkSession;
  all: WorkSession[];
  isChosen: boolean;
  isSpawned: boolean;
  collides: boolean;
  asks: boolean;
  leads: boolean;
}

function Row({ session, all, isChosen, isSpawned, collides, asks, leads }: RowProps) {
  const { tone, label } = sessionState(session, asks);
  const taskId = session.spec_task_id;
  const target = leads
    ? ({ to: "/tasks/$taskId/sessions/$sessionId", params: { taskId, sessionId: session.id } } as const)
    : ({
        to: "/tasks/$taskId",
        params: { taskId },
        search: { tab: "sessions", session: session.id },
      } as const);
  return (
    <LinkBox
      {...target}
      aria-current={isChosen ? "true" : undefined}
      sx={{
        display: "flex",
        gap: 1.125,
        px: 1.125,
        py: 0.875,
        flex: 1,
        minWidth: 0,
        borderRadius: 0.875,
        color: "inherit",
        textDecoration: "none",
        "&:focus-visible": { outlineOffset: -2 },
      }}
    >
      <Box sx={{ height: 20, display: "flex", alignItems: "center" }}>
        <Glyph tone={tone} />
      </Box>
      <Box sx={{ flex: 1, minWidth: 0 }}>
        <Stack direction="row" sx={{ alignItems: "baseline" }}>
          {isSpawned && (
            <Box component="span" aria-hidden sx={{ color: "text.disabled", mr: 0.5 }}>
              └
            </Box>
          )}
          <Typography
            variant="body2"
            noWrap
            dir="auto"
            title={session.name}
            sx={{ fontWeight: 540, minWidth: 0, textAlign: "left" }}
          >
            {session.name}
          </Typography>
        </Stack>
        <Stack
          direction="row"
          sx={{ columnGap: 1, alignItems: "center", flexWrap: "wrap", "& > *": { maxWidth: "100%" } }}
        >
          {collides && !asks ? (
            <Typography variant="caption" noWrap sx={{ color: "warningText", fontWeight: 600 }}>
              Collides
            </Typography>
          ) : (
            <Typography
              variant="caption"
              color={session.status === "failed" ? "error" : "textSecondary"}
              noWrap
              sx={{ "&::first-letter": { textTransform: "uppercase" } }}
            >
              <bdi>
                <Inline text={note(session, all, label)} />
              </bdi>
            </Typography>
          )}
          {session.queued_messages.length > 0 && (
            <Typography variant="caption" noWrap color="textSecondary">
              {session.queued_messages.length === 1
                ? "1 message waits"
                : `${session.queued_messages.length} messages wait`}
            </Typography>
          )}
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
    return `Blocked by ${blockers.join(", ")}`;
  }
  if (session.alternatives.length > 1)
    return `${label} · one of ${session.alternatives.length} to choose from`;
  if (session.status === "pending" && session.queue_reason) return session.queue_reason;
  return session.creation_method === "planned"
    ? label
    : `${label} · ${session.creation_method.replace("_", " ")}`;
}
