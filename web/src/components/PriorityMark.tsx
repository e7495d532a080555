// A priority as bars, with its word for those who ask.

import type { Priority } from "../api/types";
import { PRIORITIES, words } from "../model/status";
import css from "./PriorityMark.module.css";

export function PriorityMark({ priority }: { priority: Priority }) {
  const level = PRIORITIES.indexOf(priority);
  const name = `${words(priority)} priority`;
  return (
    <svg
      role="img"
      aria-label={name}
      viewBox="0 0 16 12"
      className={priority === "critical" ? `${css.mark} ${css.critical}` : css.mark}
    >
      <title>{name}</title>
      {PRIORITIES.map((each, at) => (
        <rect
          key={each}
          x={at * 4}
          y={9 - at * 3}
          width="2.6"
          height={3 + at * 3}
          rx="0.8"
          fill="currentColor"
          opacity={at <= level ? 1 : 0.22}
        />
      ))}
    </svg>
  );
}
