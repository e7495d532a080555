// How the project's checks went on the finished change.

import { Box, Stack, Typography } from "@mui/material";
import type { CheckResult } from "../../api/types";
import { Code } from "../../components/Code";
import { Fold } from "../../components/Fold";
import { Glyph } from "../../components/Glyph";
import { Section } from "../../components/Page";
import { took } from "../../model/time";
import { MONO } from "../../theme";

export function Checks({ checks }: { checks: CheckResult[] }) {
  return (
    <Section title="Checks">
      {checks.map((check) =>
        check.output.trim() ? (
          <Fold key={check.command} label={<Line check={check} />} quiet startOpen={!check.passed}>
            <Code text={check.output} maxHeight={260} />
          </Fold>
        ) : (
          <Box key={check.command} sx={{ pl: 1.75, my: 0.75 }}>
            <Line check={check} />
          </Box>
        ),
      )}
    </Section>
  );
}

function Line({ check }: { check: CheckResult }) {
  // A command that waits for a person's trust took no time.
  const unended = check.took_ms === 0 ? "not run" : "did not end";
  const ended = check.exit_code === null ? unended : `exit ${check.exit_code}`;
  return (
    <Stack
      component="span"
      direction="row"
      sx={{ alignItems: "center", gap: 1, minWidth: 0, color: "text.primary" }}
    >
      <Glyph tone={check.passed ? "done" : "failed"} size={13} />
      <Box component="span" sx={{ fontFamily: MONO, fontSize: "0.8rem", overflowWrap: "anywhere" }}>
        {check.command}
      </Box>
      <Typography component="span" variant="caption" color="textSecondary" sx={{ whiteSpace: "nowrap" }}>
        {check.passed
          ? took(check.took_ms)
          : check.fails_on_base
            ? `${ended}, also on the base branch`
            : ended}
      </Typography>
    </Stack>
  );
}
