// A priority as bars, with its word for those who ask.

import { Box, Tooltip } from "@mui/material";
import type { Priority } from "../api/types";
import { PRIORITIES, words } from "../model/status";

export function PriorityMark({ priority }: { priority: Priority }) {
  const level = PRIORITIES.indexOf(priority);
  const name = `${words(priority)} priority`;
  return (
    <Tooltip title={name}>
      <Box
        component="svg"
        role="img"
        aria-label={name}
        viewBox="0 0 16 12"
        sx={{
          width: 16,
          height: 12,
          display: "block",
          color: priority === "critical" ? "error.main" : "text.secondary",
        }}
      >
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
      </Box>
    </Tooltip>
  );
}
