// The facts about a session beside its conversation.

import { Box } from "@mui/material";
import type { Sandbox, TaskDetail, WorkSession } from "../../api/types";
import { Ago } from "../../components/Ago";
import { Mono } from "../../components/Code";
import { TextLink } from "../../components/links";
import { Markdown } from "../../components/Markdown";
import { OpenInEditor } from "../../components/OpenInEditor";
import { Section } from "../../components/Page";
import { ProgressBar } from "../../components/ProgressBar";
import { words } from "../../model/status";
import { lastPlan } from "../../model/transcript";
import { PlanList } from "../task/BlockView";
import { Fact, FactList, isReported, used } from "../task/Facts";
import { useTalk } from "../task/Talking";
import { AgentOptions } from "./AgentOptions";

interface Props {
  task: TaskDetail;
  session: WorkSession;
}

export function SessionDetails({ task, session }: Props) {
  const { usage } = session;
  const children = task.work_sessions.filter((each) => each.parent_work_session_id === session.id);
  return (
    <>
      <PlanSection />
      <AgentOptions session={session} />
      {session.description && (
        <Section title="Planned items">
          <Markdown text={session.description} compact />
        </Section>
      )}
      {(children.length > 0 || session.parent_work_session_id) && (
        <Section title="Crew">
          <FactList>
            {session.parent_work_session_id && (
              <Fact name="Parent">
                <Names ids={[session.parent_work_session_id]} task={task} />
              </Fact>
            )}
            {children.length > 0 && (
              <Fact name="Spawned">
                <Names ids={children.map((child) => child.id)} task={task} />
              </Fact>
            )}
          </FactList>
        </Section>
      )}
      <Section title="Details" aside={<OpenInEditor path={session.workspace_path} session={session.id} />}>
        <FactList>
          {session.phase !== "planning" && (
            <Fact name="Progress">
              <ProgressBar value={session.progress} label={`Progress of ${session.name}`} />
            </Fact>
          )}
          <Fact name="Phase">{words(session.phase)}</Fact>
          <Fact name="Origin">{words(session.creation_method)}</Fact>
          {session.phase !== "planning" && (
            <>
              <Fact name="Priority">{words(session.priority)}</Fact>
              <Fact name="Effort">{words(session.effort)}</Fact>
            </>
          )}
          {session.depends_on.length > 0 && (
            <Fact name="Depends on">
              <Names ids={session.depends_on} task={task} />
            </Fact>
          )}
          {session.alternatives.length > 1 && (
            <Fact name="Alternatives">
              <Names ids={session.alternatives.filter((id) => id !== session.id)} task={task} />
            </Fact>
          )}
          {session.branched_from && (
            <Fact name="Forked from">
              <Names ids={[session.branched_from.work_session_id]} task={task} />, turn{" "}
              {session.branched_from.turn_number}
            </Fact>
          )}
          {session.branch_name && (
            <Fact name="Branch">
              <Mono>{session.branch_name}</Mono>
            </Fact>
          )}
          {session.workspace_path && (
            <Fact name="Worktree">
              <Mono>{session.workspace_path}</Mono>
            </Fact>
          )}
          {session.sandbox && <Fact name="Sandbox">{confinement(session.sandbox)}</Fact>}
          {isReported(usage) ? (
            <Fact name="Usage">{used(usage)}</Fact>
          ) : (
            session.started_at && <Fact name="Usage">Unknown: the agent reports none</Fact>
          )}
          {session.started_at && (
            <Fact name="Started">
              <Ago at={session.started_at} />
            </Fact>
          )}
          {session.completed_at && (
            <Fact name="Ended">
              <Ago at={session.completed_at} />
            </Fact>
          )}
          <Fact name="Id">
            <Mono>{session.id}</Mono>
          </Fact>
        </FactList>
      </Section>
    </>
  );
}

/** How the agent is confined, as `bubblewrap, network allowlist (example.org)`. */
function confinement({ level, network, network_hosts }: Sandbox) {
  const hosts = network_hosts.length > 0 ? ` (${network_hosts.join(", ")})` : "";
  return `${level}, network ${network}${hosts}`;
}

function PlanSection() {
  const plan = lastPlan(useTalk().blocks);
  if (plan.length === 0) return null;
  return (
    <Section title="The agent's plan">
      <PlanList entries={plan} />
    </Section>
  );
}

function Names({ ids, task }: { ids: readonly string[]; task: TaskDetail }) {
  return ids.map((id) => (
    <Box key={id} component="span" sx={{ display: "block", lineHeight: "26px" }}>
      <TextLink to="/tasks/$taskId/sessions/$sessionId" params={{ taskId: task.id, sessionId: id }}>
        {task.work_sessions.find((session) => session.id === id)?.name ?? id}
      </TextLink>
    </Box>
  ));
}
