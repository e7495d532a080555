// The messages of the crew, live, and a form for a person to send one.

import { Box, Chip, Stack, Typography } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { coordinationQuery } from "../../api/queries";
import type { CoordinationEvent, TaskDetail, WorkSession } from "../../api/types";
import { AgentText } from "../../components/AgentText";
import { Ago } from "../../components/Ago";
import { Glyph } from "../../components/Glyph";
import { LinkBox } from "../../components/links";
import { Empty, Failed, Rows } from "../../components/States";
import {
  addressee,
  countKinds,
  isUnanswered,
  kindLabel,
  reach,
  type ShownKind,
  shownKind,
  teller,
} from "../../model/coordination";
import { isLive } from "../../model/status";
import { Collisions } from "./Collisions";
import { canTell, Tell } from "./Tell";

export function CoordinationTab({ task }: { task: TaskDetail }) {
  const query = useQuery(coordinationQuery(task.id));
  const [kind, setKind] = useState<ShownKind | null>(null);
  const [answers, setAnswers] = useState<CoordinationEvent | null>(null);
  const log = query.data;
  // A request is answered also when those who asked have ended since.
  const tells = canTell(task) || (answers !== null && isLive(task.status));
  const shown = (log?.events ?? []).filter((event) => kind === null || shownKind(event) === kind).reverse();
  return (
    <Box
      sx={{
        display: "grid",
        gap: 4,
        rowGap: 2,
        alignItems: "start",
        gridTemplateColumns: {
          xs: "minmax(0, 1fr)",
          lg: tells ? "minmax(0, 1fr) 340px" : "minmax(0, 880px)",
        },
      }}
    >
      <Box sx={{ minWidth: 0, order: { xs: 2, lg: 1 } }}>
        <Collisions task={task} />
        {log && log.total_events > 0 && (
          <Stack
            direction="row"
            role="group"
            aria-label="Show only"
            sx={{ gap: 0.75, flexWrap: "wrap", mb: 1.5 }}
          >
            {countKinds(log).map(({ kind: each, count }) => (
              <Chip
                key={each}
                label={`${kindLabel(each)} ${count}`}
                variant={kind === each ? "filled" : "outlined"}
                aria-pressed={kind === each}
                onClick={() => setKind(kind === each ? null : each)}
              />
            ))}
          </Stack>
        )}
        {query.isPending ? (
          <Rows count={5} height={64} />
        ) : query.isError && !log ? (
          <Failed error={query.error} retry={() => void query.refetch()} />
        ) : shown.length === 0 ? (
          <Empty title="No messages yet" compact>
            Handoffs, requests and notifications between sessions appear here.
          </Empty>
        ) : (
          <Box component="ol" aria-label="Coordination" sx={{ listStyle: "none", m: 0, p: 0 }}>
            {shown.map((event) => (
              <Event
                key={event.id}
                event={event}
                sessions={task.work_sessions}
                onAnswer={() => setAnswers(event)}
              />
            ))}
          </Box>
        )}
        {log && log.total_events > log.events.length && (
          <Typography variant="caption" color="textSecondary" component="p" sx={{ mt: 1.5 }}>
            The last {log.events.length} of {log.total_events}; the record in git has all of them.
          </Typography>
        )}
      </Box>
      {tells && (
        <Box sx={{ order: { xs: 1, lg: 2 }, position: { lg: "sticky" }, top: 16, minWidth: 0 }}>
          <Tell key={answers?.id} task={task} answers={answers} onDone={() => setAnswers(null)} />
        </Box>
      )}
    </Box>
  );
}

interface EventProps {
  event: CoordinationEvent;
  sessions: readonly WorkSession[];
  onAnswer: () => void;
}

function Event({ event, sessions, onAnswer }: EventProps) {
  const { isOpen, label } = reach(event, sessions);
  const isAsked = isUnanswered(event);
  return (
    <Box
      component="li"
      id={`event-${event.id}`}
      sx={{
        display: "flex",
        gap: 1.25,
        py: 1.25,
        borderBottom: 1,
        borderColor: "divider",
        "&:last-of-type": { borderBottom: 0 },
      }}
    >
      <Box sx={{ height: 20, display: "flex", alignItems: "center" }}>
        <Glyph tone={isAsked ? "attention" : isOpen ? "waiting" : "done"} size={13} />
      </Box>
      <Box sx={{ flex: 1, minWidth: 0 }}>
        <Stack direction="row" sx={{ gap: 1, alignItems: "baseline" }}>
          <Typography variant="caption" sx={{ fontWeight: 640, flexShrink: 0 }}>
            {kindLabel(shownKind(event))}
          </Typography>
          <Typography
            variant="caption"
            color="textSecondary"
            sx={{ flex: 1, minWidth: 0, overflowWrap: "anywhere" }}
          >
            <Named id={event.from_session_id} name={teller(event, sessions)} sessions={sessions} /> →{" "}
            <Named id={event.to_session_id} name={addressee(event, sessions)} sessions={sessions} />
          </Typography>
          <Typography variant="caption" color="textSecondary" sx={{ flexShrink: 0 }}>
            <Ago at={event.timestamp} />
          </Typography>
        </Stack>
        <AgentText text={event.message} />
        <Typography variant="caption" color="textSecondary">
          {label}
          {isAsked && (
            <>
              {" · "}
              <Box
                component="button"
                type="button"
                onClick={onAnswer}
                sx={{
                  border: 0,
                  p: 0,
                  background: "none",
                  font: "inherit",
                  color: "primary.main",
                  cursor: "pointer",
                  textDecoration: "underline",
                }}
              >
                Answer
              </Box>
            </>
          )}
        </Typography>
        {event.response && (
          <Box sx={{ mt: 0.75, pl: 1.25, borderLeft: 2, borderColor: "success.main" }}>
            <Typography variant="caption" color="textSecondary" component="p">
              {teller({ from_session_id: event.response.from_session_id, by: null }, sessions)} answered{" "}
              <Ago at={event.response.timestamp} />
            </Typography>
            <AgentText text={event.response.message} />
          </Box>
        )}
      </Box>
    </Box>
  );
}

function Named(props: { id: string | null; name: string; sessions: readonly WorkSession[] }) {
  const session = props.sessions.find((each) => each.id === props.id);
  if (!session) return props.name;
  return (
    <LinkBox
      to="/tasks/$taskId/sessions/$sessionId"
      params={{ taskId: session.spec_task_id, sessionId: session.id }}
      sx={{ color: "inherit" }}
    >
      {props.name}
    </LinkBox>
  );
}
