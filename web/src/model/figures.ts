// Figures as people read them. Days are in UTC, as the server counts them.

import type { Usage } from "../api/types";

const DAY = 24 * 60 * 60 * 1000;

const iso = (time: number) => new Date(time).toISOString().slice(0, 10);

/** The last days with today. */
export function lastDays(days: number, now: number): { from: string; to: string } {
  return { from: iso(now - (days - 1) * DAY), to: iso(now) };
}

/** The last weeks with the present one, from a Monday, so that the first is whole. */
export function lastWeeks(weeks: number, now: number): { from: string; to: string } {
  const sinceMonday = (new Date(now).getUTCDay() + 6) % 7;
  return lastDays((weeks - 1) * 7 + sinceMonday + 1, now);
}

/** The phases of a task, in words. */
export const PHASES: Record<string, string> = {
  planning_queued: "Waiting to plan",
  planning: "Planning",
  spec_review: "Spec review",
  hand_off: "Hand-off",
  implementation_queued: "Waiting to start",
  implementation: "Implementation",
  implementation_review: "Change review",
};

/** The figures that are shown by default. */
export const usualRange = (now: number) => lastWeeks(12, now);

/** The first day of a time span, in few letters. */
export function bucketLabel(day: string): string {
  return new Date(`${day}T00:00:00Z`).toLocaleDateString(undefined, {
    day: "numeric",
    month: "short",
    timeZone: "UTC",
  });
}

const BRIEF = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });

/** A count in few letters: `950`, `1.2K`, `3M`. */
export const brief = (count: number) => BRIEF.format(count);

/** The text where no agent reported any usage: without a report, nothing says that it was 0. */
export const NOT_REPORTED = "not reported";

/** The tokens of a usage in all, as `1.2K tokens`. */
export function tokens({
  input_tokens,
  output_tokens,
}: Pick<Usage, "input_tokens" | "output_tokens">): string {
  const all = input_tokens + output_tokens;
  return all === 0 ? `tokens ${NOT_REPORTED}` : `${brief(all)} tokens`;
}

/** Input tokens, output tokens and cost, as the cells of a table. */
export function usageCells({ input_tokens, output_tokens, cost_usd }: Usage): string[] {
  const counts = [input_tokens, output_tokens];
  const cells = counts.every((count) => count === 0) ? counts.map(() => NOT_REPORTED) : counts.map(brief);
  return [...cells, cost_usd === null ? NOT_REPORTED : money(cost_usd)];
}

/** Dollars; cents where there are few, less where there is less. */
export function money(dollars: number): string {
  const digits = dollars === 0 || dollars >= 100 ? 0 : dollars < 0.1 ? 4 : 2;
  return `$${dollars.toLocaleString(undefined, { minimumFractionDigits: digits, maximumFractionDigits: digits })}`;
}
