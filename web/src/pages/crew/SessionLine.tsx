// The present state of a session, in a line.

import { Typography } from "@mui/material";
import type { WorkSession } from "../../api/types";
import { AgentName } from "../../components/AgentName";
import { Since } from "../../components/Ago";
import { Status } from "../../components/Glyph";
import { Inline } from "../../components/Inline";
import { useAsking } from "../../components/Permissions";
import { agentOf } from "../../model/crew";
import { blockersOf, sessionState } from "../../model/status";

export function SessionState({ session }: { session: WorkSession }) {
  const { tone, label } = sessionState(session, useAsking().sessions.has(session.id));
  return <Status tone={tone} label={label} />;
}

/** Which agent, since when, and what it waits for or failed of. */
export function SessionLine({ session, all }: { session: WorkSession; all: readonly WorkSession[] }) {
  const blockers = blockersOf(session, all);
  const isStuck = session.status === "failed" || session.status === "cancelled";
  const agent = agentOf(session);
  const waits = blockers.length > 0 ? `blocked by ${blockers.join(", ")}` : session.queue_reason;
  return (
    <>
      <Typography variant="caption" color="textSecondary" component="p" sx={{ overflowWrap: "anywhere" }}>
        {agent !== undefined && (
          <>
            <AgentName id={agent} />
            {" · "}
          </>
        )}
        {session.status === "active" && !session.waits_for_person && session.started_at && (
          <>
            running <Since at={session.started_at} />
            {" · "}
          </>
        )}
        {waits ?? session.phase}
      </Typography>
      {session.last_error && isStuck && (
        <Typography
          variant="body2"
          color="error"
          sx={{ mt: 0.5, overflowWrap: "anywhere", "&::first-letter": { textTransform: "uppercase" } }}
        >
          <Inline text={session.last_error.message} />
        </Typography>
      )}
    </>
  );
}
