// The facts about a task beside its work.

import { Box, Button, Link as MuiLink, Typography } from "@mui/material";
import { type ReactNode, useState } from "react";
import type { TaskDetail, Usage } from "../../api/types";
import { AgentName } from "../../components/AgentName";
import { Ago } from "../../components/Ago";
import { Mono } from "../../components/Code";
import { TextLink } from "../../components/links";
import { Section } from "../../components/Page";
import { hasDraft } from "../../model/drafts";
import { money, NOT_REPORTED } from "../../model/figures";
import { words } from "../../model/status";
import { useTasks } from "./DependsOn";
import { EditDetails } from "./EditDetails";

function Dependencies({ ids }: { ids: readonly string[] }) {
  return useTasks(ids).map(({ id, short_id, name }) => (
    <TextLink key={id} to="/tasks/$taskId" params={{ taskId: id }} sx={{ display: "block" }}>
      <Mono>{short_id}</Mono> <bdi>{name}</bdi>
    </TextLink>
  ));
}

export function Facts({ task }: { task: TaskDetail }) {
  const [isEdited, setEdited] = useState(() => hasDraft(`details-${task.id}`));
  if (isEdited) {
    return (
      <Section title="Details">
        <EditDetails task={task} onClose={() => setEdited(false)} />
      </Section>
    );
  }
  return (
    <Section
      title="Details"
      aside={
        <Button size="small" color="inherit" onClick={() => setEdited(true)} aria-label="Edit details">
          Edit
        </Button>
      }
    >
      <FactList>
        {task.description && <Fact name="Description">{task.description}</Fact>}
        <Fact name="Priority">{words(task.priority)}</Fact>
        {task.labels.length > 0 && <Fact name="Labels">{task.labels.join(", ")}</Fact>}
        {budgetOf(task) && <Fact name="Budget">{budgetOf(task)}</Fact>}
        {task.planned && (
          <Fact name="Planning agent">
            <AgentName id={task.spec_agent} />
          </Fact>
        )}
        <Fact name="Implementation agent">
          <AgentName id={task.implementation_agent} />
        </Fact>
        <Fact name="Complexity">{words(task.complexity)}</Fact>
        <Fact name="Base">
          <Mono>{task.base_branch}</Mono>
        </Fact>
        {task.branch_name && (
          <Fact name="Branch">
            <Mono>{task.branch_name}</Mono>
          </Fact>
        )}
        {task.merge_commit && (
          <Fact name="Merged as">
            <Mono>{task.merge_commit.slice(0, 10)}</Mono>
          </Fact>
        )}
        {task.pull_request && (
          <Fact name="Pull request">
            <MuiLink href={task.pull_request.url} target="_blank" rel="noreferrer noopener">
              #{task.pull_request.number} {task.pull_request.state}
            </MuiLink>
          </Fact>
        )}
        {task.spec_approved_by && (
          <Fact name="Approved by">
            {task.spec_approved_by} <Ago at={task.spec_approved_at} />
          </Fact>
        )}
        {task.depends_on.length > 0 && (
          <Fact name="Waits for">
            <Dependencies ids={task.depends_on} />
          </Fact>
        )}
        {isReported(task.usage) && <Fact name="Used">{used(task.usage)}</Fact>}
        {task.attempts > 0 && (
          <Fact name="Retried">{task.attempts === 1 ? "once" : `${task.attempts} times`}</Fact>
        )}
        <Fact name="Created">
          <Ago at={task.created_at} />
        </Fact>
        {task.completed_at && (
          <Fact name="Ended">
            <Ago at={task.completed_at} />
          </Fact>
        )}
        <Fact name="Id">
          <Mono>{task.id}</Mono>
        </Fact>
      </FactList>
    </Section>
  );
}

export function FactList({ children }: { children: ReactNode }) {
  return (
    <Box
      component="dl"
      sx={{
        m: 0,
        display: "grid",
        gridTemplateColumns: "minmax(96px, auto) minmax(0, 1fr)",
        rowGap: 0.75,
        columnGap: 1.5,
      }}
    >
      {children}
    </Box>
  );
}

export function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <Typography component="dt" variant="caption" color="textSecondary" sx={{ lineHeight: 1.6 }}>
        {name}
      </Typography>
      <Typography
        component="dd"
        variant="body2"
        sx={{ m: 0, overflowWrap: "anywhere", fontSize: "0.8125rem" }}
      >
        {children}
      </Typography>
    </>
  );
}

const count = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });

/** Whether agents reported anything of what they used. */
export const isReported = ({ input_tokens, output_tokens, cost_usd }: Usage): boolean =>
  input_tokens > 0 || output_tokens > 0 || cost_usd !== null;

export function used(usage: Usage): string {
  const { input_tokens: input, output_tokens: output, cost_usd: cost } = usage;
  // Agents that report no tokens are counted with none.
  const tokens =
    input + output > 0 ? `${count.format(input)} in, ${count.format(output)} out` : `tokens ${NOT_REPORTED}`;
  return cost === null ? tokens : `${tokens}, ${money(cost)}`;
}

function budgetOf({ budget }: TaskDetail): string {
  const parts = [
    typeof budget?.max_cost_usd === "number" && `$${budget.max_cost_usd}`,
    typeof budget?.max_tokens === "number" && `${count.format(budget.max_tokens)} tokens`,
  ];
  return parts.filter(Boolean).join(", ");
}
