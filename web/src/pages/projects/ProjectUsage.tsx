// What a project used today, and its daily budget.

import { Typography } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { projectUsageQuery } from "../../api/queries";
import type { ProjectUsage as Usage } from "../../api/types";
import { brief, money } from "../../model/figures";
import { dateTime } from "../../model/time";

/** The parts of today's use, each with its budget where there is one. */
function usageParts({ today, daily_cost_usd, daily_tokens }: Usage): string[] {
  const used = today.input_tokens + today.output_tokens;
  // What no agent reports is not 0; before the first turn it is.
  const cost = today.turns === 0 ? 0 : today.cost_usd;
  const isCounted = today.turns === 0 || used > 0;
  const costBudget = daily_cost_usd === null ? null : money(daily_cost_usd);
  const tokenBudget = daily_tokens === null ? null : `${brief(daily_tokens)} tokens`;
  if (cost === null && !isCounted && !costBudget && !tokenBudget) return ["usage not reported"];
  const parts = [
    cost === null
      ? unreported("cost", costBudget)
      : costBudget
        ? `${money(cost)} of ${costBudget}`
        : today.turns > 0 && money(cost),
    !isCounted
      ? unreported("tokens", tokenBudget)
      : tokenBudget
        ? `${brief(used)} of ${tokenBudget}`
        : used > 0 && `${brief(used)} tokens`,
  ].filter((part) => typeof part === "string");
  const unknown = today.turns_without_cost;
  if (today.cost_usd !== null && unknown > 0) {
    parts.push(`${unknown} ${unknown === 1 ? "turn" : "turns"} without a reported cost`);
  }
  return parts;
}

const unreported = (what: string, budget: string | null) =>
  budget === null ? `${what} not reported` : `${what} not reported (budget ${budget})`;

export function ProjectUsage({ project }: { project: string }) {
  const usage = useQuery(projectUsageQuery(project)).data;
  const hasBudget = usage && (usage.daily_cost_usd !== null || usage.daily_tokens !== null);
  if (!usage || (!hasBudget && usage.today.turns === 0)) return null;
  return (
    <Typography variant="caption" component="p" color={usage.exhausted === null ? "textSecondary" : "error"}>
      Today: {usageParts(usage).join(" · ")}
      {usage.exhausted !== null && (
        <>
          {" "}
          · Budget used up. It renews on {dateTime(usage.renews_at)}; raise it in the settings to continue
          now.
        </>
      )}
    </Typography>
  );
}
