// Sessions that change the same: which, in what files, and both sides' lines.

import { Box, Typography } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { collisionsQuery, fleetQuery, sidesQuery } from "../../api/queries";
import type { Collision, Fleet, TaskDetail } from "../../api/types";
import { Ago } from "../../components/Ago";
import { Code, MonoFile } from "../../components/Code";
import { FileName } from "../../components/FileName";
import { Fold } from "../../components/Fold";
import { TextLink } from "../../components/links";
import { Name } from "../../components/Name";
import { collisionSummary, conflicts } from "../../model/collisions";
import { isLive } from "../../model/status";
import { Notice } from "./Notice";

function useCollisions(task: TaskDetail): Collision[] {
  const query = useQuery({ ...collisionsQuery(task.id), enabled: isLive(task.status) });
  return isLive(task.status) ? (query.data?.collisions ?? []) : NONE;
}

const NONE: Collision[] = [];

/** The sessions of a task whose changes conflict with those of another. */
export function useColliding(task: TaskDetail): ReadonlySet<string> {
  const collisions = useCollisions(task);
  return useMemo(
    () => new Set(collisions.filter((each) => conflicts(each).length > 0).flatMap((each) => each.sessions)),
    [collisions],
  );
}

/** The collisions in a task, or with one session of it. */
export function Collisions({ task, session }: { task: TaskDetail; session?: string }) {
  const all = useCollisions(task);
  const shown = all.filter((collision) => session === undefined || collision.sessions.includes(session));
  if (shown.length === 0) return null;
  const each = shown.map((collision) => (
    <OneCollision key={collision.sessions.join()} collision={collision} task={task} of={session} />
  ));
  return (
    <Box component="section" aria-label="Collisions" sx={{ mb: 2 }}>
      {shown.length === 1 ? (
        each
      ) : (
        <Fold label={<Summary collisions={shown} />}>
          <Box sx={{ pt: 0.75 }}>{each}</Box>
        </Fold>
      )}
    </Box>
  );
}

/** Several collisions in a line, which unfolds to each of them. */
function Summary({ collisions }: { collisions: Collision[] }) {
  const isHard = collisions.some((collision) => conflicts(collision).length > 0);
  return (
    <Typography
      component="span"
      variant="body2"
      sx={{ color: isHard ? "warningText" : "text.primary", fontWeight: 560 }}
    >
      {collisionSummary(collisions)}
    </Typography>
  );
}

interface OneProps {
  collision: Collision;
  task: TaskDetail;
  /** The session on whose page it is shown. */
  of?: string;
}

function OneCollision({ collision, task, of }: OneProps) {
  const elsewhere = useOthers(task.id, collision.sessions);
  const names = collision.sessions.map(
    (id) =>
      task.work_sessions.find((session) => session.id === id)?.name ??
      elsewhere.find((agent) => agent.session === id)?.name ??
      "a session of another task",
  );
  const named = (at: 0 | 1) => (
    <Side
      name={names[at] ?? ""}
      other={elsewhere.find(({ session }) => session === collision.sessions[at])}
    />
  );
  const hard = conflicts(collision);
  const files = hard.length > 0 ? hard : collision.files;
  const [only] = files;
  const where = only && files.length === 1 ? <FileName name={only.path} /> : `${files.length} files`;
  return (
    <Notice severity={hard.length > 0 ? "warning" : "info"}>
      <Typography variant="body2" sx={{ overflowWrap: "anywhere" }}>
        {of ? (
          <>
            {hard.length > 0 ? "Changes the same lines as" : "Changes the same files as"}{" "}
            {named(collision.sessions[0] === of ? 1 : 0)}: {where}.{" "}
          </>
        ) : (
          <>
            {named(0)} and {named(1)} {hard.length > 0 ? "change the same lines in" : "both change"} {where}.{" "}
          </>
        )}
        {hard.length > 0 && "The one that is merged later has to resolve the conflict. "}
        <Typography component="span" variant="caption" color="textSecondary">
          <Ago at={collision.since} />
        </Typography>
      </Typography>
      <Fold label={hard.length > 0 ? "Show both sides" : "Show the files"} quiet>
        <Sides collision={collision} names={names} task={task.id} />
      </Fold>
    </Notice>
  );
}

interface Other {
  session: string;
  name: string;
  task: string;
  taskName: string;
}

/** Those of some sessions that are of other tasks; the fleet knows them while they are at work. */
function useOthers(task: string, sessions: readonly string[]): Other[] {
  const others = ({ agents }: Fleet): Other[] =>
    agents
      .filter((agent) => agent.task_id !== task && sessions.includes(agent.work_session_id))
      .map((agent) => ({
        session: agent.work_session_id,
        name: agent.session_name,
        task: agent.task_id,
        taskName: agent.task_name,
      }));
  return useQuery({ ...fleetQuery, select: others }).data ?? NO_OTHERS;
}

const NO_OTHERS: Other[] = [];

/** A session that collides, with its task where that is another. */
function Side({ name, other }: { name: string; other?: Other }) {
  return (
    <>
      <b>
        <Name text={name} />
      </b>
      {other && (
        <>
          {" "}
          of{" "}
          <TextLink to="/tasks/$taskId" params={{ taskId: other.task }} color="inherit">
            <Name text={other.taskName} />
          </TextLink>
        </>
      )}
    </>
  );
}

/** The files, and where they conflict what both have there, as it was looked up last. */
function Sides({ collision, names, task }: { collision: Collision; names: string[]; task: string }) {
  const pair = collision.sessions.join();
  const known = useQuery(sidesQuery(task)).data?.collisions;
  const shown = known?.find((each) => each.sessions.join() === pair) ?? collision;
  return (
    <>
      {shown.files.map((file) => (
        <Box key={file.path} sx={{ mb: 1.5 }}>
          <Typography variant="caption" component="p" sx={{ mb: 0.5 }}>
            <MonoFile name={file.path} />
            {file.state === "both_touch" ? " · no conflict" : file.reason && ` · ${file.reason}`}
          </Typography>
          {file.hunks.map((hunk) => (
            <Box
              key={`${hunk.sides[0]?.start_line}-${hunk.sides[1]?.start_line}`}
              sx={{
                display: "grid",
                gap: 1,
                mb: 1,
                // Beside each other where there is room, also within a narrow column of a wide page.
                gridTemplateColumns: "repeat(auto-fit, minmax(min(100%, 220px), 1fr))",
              }}
            >
              {hunk.sides.map((side, at) => (
                <Box key={collision.sessions[at]} sx={{ minWidth: 0 }}>
                  <Typography variant="caption" color="textSecondary" component="p" noWrap>
                    <Name text={names[at] ?? ""} most={40} />,{" "}
                    {side.line_count === 0 ? "after line" : "from line"} {side.start_line}
                  </Typography>
                  {side.line_count === 0 ? (
                    <Typography variant="caption" color="textSecondary">
                      nothing
                    </Typography>
                  ) : (
                    <Code text={side.text} maxHeight={180} />
                  )}
                </Box>
              ))}
            </Box>
          ))}
        </Box>
      ))}
      {shown.total_files > shown.files.length && (
        <Typography variant="caption" color="textSecondary">
          and {shown.total_files - shown.files.length} more files
        </Typography>
      )}
    </>
  );
}
