// The commands that the agent ran, with what they printed.

import { Box, Stack, Typography } from "@mui/material";
import { Ago } from "../../components/Ago";
import { Code } from "../../components/Code";
import { Verbatim } from "../../components/FileName";
import { Status } from "../../components/Glyph";
import { Empty } from "../../components/States";
import { commandOutput, toolState } from "../../model/tool";
import { commands, type ToolCall } from "../../model/transcript";
import { MONO } from "../../theme";
import { useTalk } from "../task/Talking";

/** How many of the last commands are shown. */
const SHOWN = 100;

/** The name of the tab, with how many there are. */
export function CommandsLabel() {
  const ran = commands(useTalk().blocks).length;
  return ran > 0 ? `Commands (${ran})` : "Commands";
}

export function Commands() {
  const ran = commands(useTalk().blocks);
  if (ran.length === 0) {
    return (
      <Empty title="No command was run" compact>
        What the agent runs in its worktree appears here, with its output.
      </Empty>
    );
  }
  return (
    <Box component="ol" aria-label="Commands" sx={{ listStyle: "none", m: 0, p: 0 }}>
      {ran.length > SHOWN && (
        <Typography variant="caption" color="textSecondary" component="li" sx={{ mb: 1 }}>
          The last {SHOWN} of {ran.length}; the conversation has all of them.
        </Typography>
      )}
      {ran.slice(-SHOWN).map((call) => (
        <Command key={call.id} call={call} />
      ))}
    </Box>
  );
}

function Command({ call }: { call: ToolCall }) {
  const output = commandOutput(call).trim();
  const isOver = call.status !== "pending" && call.status !== "in_progress";
  return (
    <Box component="li" sx={{ mb: 2 }}>
      <Stack direction="row" sx={{ gap: 1.5, alignItems: "baseline", mb: 0.5 }}>
        <Typography
          component="span"
          sx={{
            fontFamily: MONO,
            fontSize: "0.8rem",
            fontWeight: 560,
            minWidth: 0,
            overflowWrap: "anywhere",
          }}
        >
          $ <Verbatim text={call.title} />
        </Typography>
        <Box sx={{ flex: 1 }} />
        <Status {...toolState(call)} />
        <Typography variant="caption" color="textSecondary">
          <Ago at={call.at} />
        </Typography>
      </Stack>
      {output !== "" ? (
        <Code text={output} />
      ) : (
        isOver && (
          <Typography variant="caption" color="textSecondary" component="p">
            No output
          </Typography>
        )
      )}
    </Box>
  );
}
