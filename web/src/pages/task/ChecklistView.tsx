// The living checklist of a task.

import { Box, Typography } from "@mui/material";
import type { Checklist, ItemStatus } from "../../api/types";
import { Glyph } from "../../components/Glyph";
import { Inline } from "../../components/Inline";
import { itemLabel, type Tone } from "../../model/status";

const TONES: Record<ItemStatus, Tone> = { pending: "waiting", in_progress: "working", completed: "done" };

interface Props {
  checklist: Checklist;
  /** Whether a session is active; else what was begun is stopped. */
  isAtWork: boolean;
}

export function ChecklistView({ checklist, isAtWork }: Props) {
  return (
    <Box component="ol" sx={{ listStyle: "none", m: 0, p: 0 }}>
      {checklist.tasks.map((item) => {
        const isNow = item.status === "in_progress" && isAtWork;
        const isStopped = item.status === "in_progress" && !isAtWork;
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
              aria-label={isStopped ? "stopped" : itemLabel(item.status)}
              sx={{ display: "flex", height: 21, alignItems: "center" }}
            >
              <Glyph tone={isStopped ? "stopped" : (TONES[item.status] ?? "waiting")} size={13} />
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
            </Typography>
          </Box>
        );
      })}
    </Box>
  );
}
