// Prompts that a sample repository is made for.

import { Box, ButtonBase, Stack, Typography } from "@mui/material";
import type { DemoRepo, TaskType } from "../../api/types";

interface Props {
  sample: DemoRepo;
  type: TaskType;
  chosen: string;
  onChoose: (prompt: string) => void;
}

export function Prompts({ sample, type, chosen, onChoose }: Props) {
  const prompts = promptsFor(sample, type);
  if (prompts.length === 0) return null;
  return (
    <Box role="group" aria-label={`Prompts for ${sample.name}`}>
      <Typography variant="caption" color="textSecondary" component="p" sx={{ mb: 0.75 }}>
        Try one of these on {sample.name}
      </Typography>
      <Stack sx={{ gap: 0.75 }}>
        {prompts.map((prompt) => (
          <ButtonBase
            key={prompt}
            onClick={() => onChoose(prompt)}
            aria-pressed={chosen === prompt}
            sx={{
              justifyContent: "flex-start",
              textAlign: "left",
              fontSize: "0.8125rem",
              lineHeight: 1.45,
              px: 1.25,
              py: 0.875,
              border: 1,
              borderColor: chosen === prompt ? "primary.main" : "divider",
              bgcolor: chosen === prompt ? "action.selected" : "transparent",
              borderRadius: "7px",
              "&:hover": { bgcolor: "action.hover" },
            }}
          >
            {prompt}
          </ButtonBase>
        ))}
      </Stack>
    </Box>
  );
}

/** What is suggested for a sample: what its agent plays for tasks of the type comes first. */
function promptsFor(sample: DemoRepo, type: TaskType): string[] {
  const plain = sample.plain.filter((each) => each.task_type === type).map((each) => each.prompt);
  return plain.length > 0 ? plain : sample.prompts;
}
