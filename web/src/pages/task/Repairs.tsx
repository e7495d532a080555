// What agents repaired in the change before its review, round by round.

import { Box, Typography } from "@mui/material";
import type { Repair } from "../../api/types";
import { Code } from "../../components/Code";
import { Fold } from "../../components/Fold";
import { Status } from "../../components/Glyph";
import { Section } from "../../components/Page";

const OUTCOMES = {
  fixed: { tone: "done", label: "Fixed" },
  left: { tone: "failed", label: "Not fixed" },
  open: { tone: "working", label: "In progress" },
} as const;

function outcomeOf({ fixed }: Repair) {
  if (fixed === null) return OUTCOMES.open;
  return fixed ? OUTCOMES.fixed : OUTCOMES.left;
}

export function Repairs({ repairs }: { repairs: Repair[] }) {
  return (
    <Section title="Repairs">
      {repairs.map((repair) => (
        <Box key={`${repair.started_at} ${repair.work_session_id}`} sx={{ my: 1 }}>
          <Typography variant="body2" component="div">
            Round {repair.round}, <bdi>{repair.session_name}</bdi> <Status {...outcomeOf(repair)} />
          </Typography>
          {repair.problems.map((problem) => (
            <Fold key={problem.name} label={problem.kind === "check" ? problem.name : "Finding"} quiet>
              <Code text={problem.details} maxHeight={260} />
            </Fold>
          ))}
        </Box>
      ))}
    </Section>
  );
}
