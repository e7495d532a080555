// What carrying out a plan will probably use.

import { Typography } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { forecastQuery } from "../../api/queries";
import type { ForecastRange } from "../../api/types";
import { brief, money } from "../../model/figures";

const span = ({ low, high }: ForecastRange, show: (value: number) => string) =>
  show(low) === show(high) ? show(low) : `${show(low)} to ${show(high)}`;

export function Forecast({ task }: { task: string }) {
  const answer = useQuery(forecastQuery(task)).data;
  if (!answer) return null;
  const { forecast } = answer;
  if (!forecast || (!forecast.cost_usd && !forecast.tokens)) {
    return (
      <Typography variant="body2" color="textSecondary">
        No forecast yet: it needs finished planned tasks of this project whose agents reported what they used.
      </Typography>
    );
  }
  const { cost_usd, tokens } = forecast;
  const parts = [
    cost_usd && span(cost_usd, money),
    tokens && `${span(tokens, (value) => brief(Math.round(value)))} tokens`,
  ].filter(Boolean);
  const basis = Math.max(cost_usd?.basis ?? 0, tokens?.basis ?? 0);
  return (
    <Typography variant="body2" color="textSecondary">
      Carrying out this plan will probably use {parts.join(" and ")} (from {basis} finished planned{" "}
      {basis === 1 ? "task" : "tasks"}).
    </Typography>
  );
}
