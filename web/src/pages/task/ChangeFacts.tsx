// The facts about a change before it is merged: files, checks, evidence, commit.

import { Alert, Box, Typography } from "@mui/material";
import type { TaskDetail } from "../../api/types";
import { Mono } from "../../components/Code";
import { Status } from "../../components/Glyph";
import { type ChangeSize, sizeLine } from "../../model/change";
import { Fact, FactList } from "./Facts";

interface Props {
  task: TaskDetail;
  size: ChangeSize | undefined;
  /** The objections to merging it. */
  doubts: string[];
}

export function ChangeFacts({ task, size, doubts }: Props) {
  const checks = task.change?.checks ?? [];
  const failing = checks.filter((check) => !check.passed);
  const claimed = task.change?.items.filter(({ evidence }) => evidence.state === "claimed") ?? [];
  return (
    <>
      <FactList>
        <Fact name="Files">{size ? sizeLine(size) : "Not read yet"}</Fact>
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
export function changeLine(task: TaskDetail, size: ChangeSize | undefined): string {
  const checks = task.change?.checks ?? [];
  const failing = checks.filter((check) => !check.passed).length;
  const parts = [
    size && sizeLine(size),
    failing > 0
      ? `${failing} of ${checks.length} checks failed`
      : checks.length > 0 && (checks.length === 1 ? "1 check passed" : `${checks.length} checks passed`),
  ];
  return parts.filter(Boolean).join(" · ") || "Change ready for review";
}
