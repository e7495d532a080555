// The commands of an agent that fit what is typed, to choose one of.

import { Box, Typography } from "@mui/material";
import type { AgentCommand } from "../../api/types";

interface Props {
  id: string;
  commands: readonly AgentCommand[];
  /** The place of the one that is chosen by Enter. */
  at: number;
  onChoose: (command: AgentCommand) => void;
}

export const commandId = (list: string, at: number) => `${list}-${at}`;

export function Commands({ id, commands, at, onChoose }: Props) {
  return (
    <Box
      id={id}
      role="listbox"
      aria-label="Commands of the agent"
      sx={{
        mb: 1,
        maxHeight: 200,
        overflowY: "auto",
        border: 1,
        borderColor: "divider",
        borderRadius: 1,
        bgcolor: "background.paper",
      }}
    >
      {commands.map((command, place) => (
        <Box
          key={command.name}
          id={commandId(id, place)}
          role="option"
          aria-selected={place === at}
          // The field keeps the focus.
          onMouseDown={(event) => {
            event.preventDefault();
            onChoose(command);
          }}
          sx={{
            px: 1.25,
            py: 0.75,
            cursor: "pointer",
            bgcolor: place === at ? "action.selected" : undefined,
          }}
        >
          <Typography variant="body2" component="span" sx={{ fontWeight: 600, overflowWrap: "anywhere" }}>
            /{command.name}
          </Typography>
          {command.hint && (
            <Typography variant="body2" component="span" color="textSecondary">
              {" "}
              {command.hint}
            </Typography>
          )}
          {command.description && (
            <Typography variant="caption" color="textSecondary" sx={{ display: "block" }}>
              {command.description}
            </Typography>
          )}
        </Box>
      ))}
    </Box>
  );
}
