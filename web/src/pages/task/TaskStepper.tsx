// The way of a task, with where it is now.

import { Box, Typography } from "@mui/material";
import type { TaskDetail } from "../../api/types";
import { Glyph } from "../../components/Glyph";
import { useAsking } from "../../components/Permissions";
import { STEPS, stepOf, type Tone, taskState } from "../../model/status";
import { LOW } from "../../theme";

export function TaskStepper({ task }: { task: TaskDetail }) {
  const at = stepOf(task);
  const asks = useAsking().tasks.has(task.id);
  const steps = STEPS.map((label, index) => ({ label, index })).filter(
    ({ index }) => task.planned || (index !== 1 && index !== 2),
  );
  const toneOf = (index: number): Tone => {
    if (index < at) return "done";
    if (index > at) return "waiting";
    if (task.status === "done") return "done";
    return taskState(task, asks).tone;
  };
  return (
    <Box
      component="ol"
      aria-label="Progress of the task"
      sx={{
        display: "flex",
        listStyle: "none",
        p: 0,
        mt: 2.5,
        mb: 2,
        mx: 0,
        gap: { xs: 0.5, sm: 1 },
        [LOW]: { my: 1 },
      }}
    >
      {steps.map(({ label, index }) => {
        const isHere = index === at;
        return (
          <Box
            component="li"
            key={label}
            aria-current={isHere ? "step" : undefined}
            sx={{
              // What says most has the room to say it.
              flex: { xs: isHere ? 4 : 1, sm: isHere && task.status === "cancelled" ? 1.8 : 1 },
              minWidth: 0,
              [LOW]: { display: isHere ? "block" : "none" },
            }}
          >
            <Box
              sx={{
                height: 3,
                borderRadius: 2,
                mb: 0.875,
                bgcolor:
                  index < at || task.status === "done"
                    ? "success.main"
                    : isHere
                      ? BAR[toneOf(index)]
                      : "divider",
                opacity: index < at ? 0.55 : 1,
              }}
            />
            <Box sx={{ display: "flex", alignItems: "center", gap: 0.75 }}>
              <Glyph tone={toneOf(index)} size={13} />
              <Typography
                variant="caption"
                noWrap
                sx={{
                  fontWeight: isHere ? 640 : 500,
                  color: isHere ? "text.primary" : "text.secondary",
                  display: { xs: isHere ? "block" : "none", sm: "block" },
                }}
              >
                {isHere && task.status === "cancelled" ? `Cancelled in ${label.toLowerCase()}` : label}
              </Typography>
            </Box>
          </Box>
        );
      })}
    </Box>
  );
}

const BAR: Record<Tone, string> = {
  waiting: "text.disabled",
  working: "info.main",
  attention: "warning.main",
  done: "success.main",
  failed: "error.main",
  stopped: "text.disabled",
};
