// Storage: sizes in units that people read, and the settings of retention as sentences.

import type { RetentionRule } from "../api/types";

const UNITS = ["KiB", "MiB", "GiB", "TiB"] as const;

/** A number of bytes with its unit, such as 1.5 MiB. */
export function size(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  let value = bytes;
  let at = -1;
  while (value >= 1024 && at < UNITS.length - 1) {
    value /= 1024;
    at += 1;
  }
  return `${value.toLocaleString(undefined, { maximumFractionDigits: value < 10 ? 1 : 0 })} ${UNITS[at]}`;
}

const RULES: Record<string, string> = {
  "retention.trash_days": "Removed worktrees in the trash",
  "retention.trash_mb": "Size of the trash",
  "retention.effects_days": "Finished effects",
  "retention.feed_days": "Live messages of finished tasks",
  "retention.session_logs_days": "Session logs of finished tasks in the database",
  "retention.idempotency_hours": "Answers to requests with an idempotency key",
  "retention.branches_days": "Branches of tasks that landed",
  "retention.saved_refs_days": "Saved commits of removed branches",
  "retention.setup_cache_days": "Unused results of setup commands",
  "retention.setup_cache_mb": "Size of all results of setup commands",
};

/** The data that a setting of retention is about. */
export const ruleLabel = ({ setting }: Pick<RetentionRule, "setting">): string => RULES[setting] ?? setting;

/** How long, or how much, a setting of retention keeps. */
export function ruleValue({ value, unit }: RetentionRule): string {
  if (value === 0) return unit === "MiB" ? "No limit" : "Kept forever";
  if (unit === "MiB") return `Up to ${size(value * 1024 * 1024)}`;
  return `${value.toLocaleString()} ${value === 1 ? unit.replace(/s$/, "") : unit}`;
}
