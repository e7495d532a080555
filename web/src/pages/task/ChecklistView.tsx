// The living checklist of a task.

import { Box, Typography } from "@mui/material";
import type { Checklist } from "../../api/types";
import { Glyph } from "../../components/Glyph";
import { Inline } from "../../components/Inline";
import { ITEM_STATES, itemStates } from "../../model/checklist";

interface Props {
  checklist: Checklist;
  /** The numbers of the planned tasks that failed. */
  failed: ReadonlySet<string>;
  /** Whether a session is active; else what was begun is stopped. */
  isAtWork: boolean;
}

export function ChecklistView({ checklist, failed, isAtWork }: Props) {
  const states = itemStates(checklist.tasks, failed, isAtWork);
  return (
    <Box component="ol" sx={{ listStyle: "none", m: 0, p: 0 }}>
      {checklist.tasks.map((item, at) => {
        const state = states[at] ?? "pending";
        const isNow = state === "in_progress";
        const shown = ITEM_STATES[state];
        return (
          <Box
            component="li"
            key={item.index}
            aria-current={isNow ? "step" : undefined}
            sx={{
              display: "flex",
              alignItems: "flex-start",
              gap: 1.125,
              py: 0.5,
              pr: 1,
              pl: 1 + Math.min(item.depth, 4) * 2.5,
              borderRadius: 0.75,
              backgroundColor: isNow
                ? "color-mix(in srgb, var(--mui-palette-info-main) 9%, transparent)"
                : "transparent",
              transition: "background-color .4s",
            }}
          >
            <Box
              component="span"
              role="img"
              aria-label={shown.label}
              sx={{ display: "flex", height: 21, alignItems: "center" }}
            >
              <Glyph tone={shown.tone} size={13} />
            </Box>
            <Typography
              variant="body2"
              sx={{
                minWidth: 0,
                overflowWrap: "anywhere",
                fontWeight: isNow || item.depth === 0 ? 560 : 400,
                color: item.status === "completed" ? "text.secondary" : "text.primary",
              }}
            >
              {item.number && (
                <Box
                  component="span"
                  sx={{
                    color: "text.secondary",
                    mr: 0.875,
                    fontVariantNumeric: "tabular-nums",
                    fontWeight: 500,
                  }}
                >
                  {item.number}
                </Box>
              )}
              <Inline text={item.description} />
              {state === "failed" && (
                <Typography
                  component="span"
                  variant="caption"
                  color="error"
                  sx={{ ml: 0.75, fontWeight: 600 }}
                >
                  failed
                </Typography>
              )}
            </Typography>
          </Box>
        );
      })}
    </Box>
  );
}
