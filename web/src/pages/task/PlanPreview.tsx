// The effect of approving the plan: its tasks, in the steps in which they can run.

import { Box, Typography } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { plannedTasksQuery } from "../../api/queries";
import type { PlannedTask } from "../../api/types";
import { Fold } from "../../components/Fold";
import { Inline } from "../../components/Inline";
import { wavesOf } from "../../model/waves";

/** As many steps as are shown without asking. */
const SHORT = 5;

export function PlanPreview({ task }: { task: string }) {
  const planned = useQuery(plannedTasksQuery(task)).data ?? [];
  if (planned.length === 0) return null;
  const waves = wavesOf(planned);
  const widest = Math.max(...waves.map((wave) => wave.length));
  return (
    <Box sx={{ mb: 3 }}>
      <Fold
        startOpen={waves.length <= SHORT}
        label={
          <Typography component="span" variant="subtitle2">
            {planned.length === 1 ? "1 task" : `${planned.length} tasks`} in{" "}
            {waves.length === 1 ? "1 step" : `${waves.length} steps`}
            {widest > 1 && `, up to ${widest} in parallel`}
          </Typography>
        }
      >
        <Box component="ol" sx={{ listStyle: "none", m: 0, p: 0 }}>
          {waves.map((wave, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a step is its place
            <Box component="li" key={at} sx={{ py: 0.5 }}>
              <Typography variant="caption" color="textSecondary" component="p">
                Step {at + 1}
                {wave.length > 1 && " · in parallel"}
              </Typography>
              {wave.map((each) => (
                <Line key={each.id} planned={each} />
              ))}
            </Box>
          ))}
        </Box>
      </Fold>
    </Box>
  );
}

function Line({ planned }: { planned: PlannedTask }) {
  return (
    <Typography variant="body2" component="p" sx={{ overflowWrap: "anywhere", fontSize: "0.8125rem" }}>
      <bdi>
        <Inline text={planned.title} />
      </bdi>
      <Box component="span" sx={{ color: "text.secondary" }}>
        {" "}
        · {planned.estimated_effort}
      </Box>
    </Typography>
  );
}
