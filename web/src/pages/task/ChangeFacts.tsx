// What a person should know before a change is merged: files, checks, evidence, commit.

import { Alert, Box, Typography } from "@mui/material";
import type { Diff, TaskDetail } from "../../api/types";
import { Mono } from "../../components/Code";
import { Status } from "../../components/Glyph";
import { Fact, FactList } from "./Facts";

interface Props {
  task: TaskDetail;
  diff: Diff | undefined;
  /** What speaks against it. */
  doubts: string[];
}

export function ChangeFacts({ task, diff, doubts }: Props) {
  const checks = task.change?.checks ?? [];
  const failing = checks.filter((check) => !check.passed);
  const claimed = task.change?.items.filter(({ evidence }) => evidence.state === "claimed") ?? [];
  return (
    <>
      <FactList>
        <Fact name="Files">{diff ? filesOf(diff) : "Not read yet"}</Fact>
        <Fact name="Checks">
          {checks.length === 0 ? (
            "None are configured"
          ) : failing.length === 0 ? (
            <Status tone="done" label={checks.length === 1 ? "1 passed" : `All ${checks.length} passed`} />
          ) : (
            <>
              <Status tone="failed" label={`${failing.length} of ${checks.length} failed`} />
              {failing.map((check) => (
                <Box key={check.command}>
                  <Mono>{check.command}</Mono>
                </Box>
              ))}
            </>
          )}
        </Fact>
        {claimed.length > 0 && (
          <Fact name="Evidence">
            {claimed.length === 1 ? "1 item has none: " : `${claimed.length} items have none: `}
            {claimed.map((item) => `${item.number} ${item.title}`.trim()).join(", ")}
          </Fact>
        )}
        {task.change && (
          <Fact name="Commit">
            <Mono>{task.change.head.slice(0, 10)}</Mono>
          </Fact>
        )}
        <Fact name="Merged into">
          <Mono>{task.base_branch}</Mono>
        </Fact>
      </FactList>
      {doubts.map((doubt) => (
        <Alert key={doubt} severity="warning" variant="outlined" sx={{ mt: 1.5, py: 0 }}>
          {doubt}
        </Alert>
      ))}
      {(failing.length > 0 || claimed.length > 0) && (
        <Typography variant="caption" color="textSecondary" component="p" sx={{ mt: 1.5 }}>
          You can merge it all the same.
        </Typography>
      )}
    </>
  );
}

/** The same in a line. */
export function changeLine(task: TaskDetail, diff: Diff | undefined): string {
  const checks = task.change?.checks ?? [];
  const failing = checks.filter((check) => !check.passed).length;
  const parts = [
    diff && filesOf(diff),
    failing > 0
      ? `${failing} of ${checks.length} checks failed`
      : checks.length > 0 && (checks.length === 1 ? "1 check passed" : `${checks.length} checks passed`),
  ];
  return parts.filter(Boolean).join(" · ") || "Change ready for review";
}

function filesOf(diff: Diff): string {
  const files = diff.total_files === 1 ? "1 file" : `${diff.total_files} files`;
  return `${files}, +${diff.additions} −${diff.deletions}`;
}
