// One of a few words.

import { Box, ToggleButton, ToggleButtonGroup, Typography } from "@mui/material";
import { useId } from "react";

interface Props<Value extends string> {
  label: string;
  value: Value;
  options: readonly (readonly [Value, string])[];
  onChange: (value: Value) => void;
}

export function Choice<Value extends string>({ label, value, options, onChange }: Props<Value>) {
  const id = useId();
  return (
    <Box>
      <Typography id={id} variant="caption" color="textSecondary" component="p" sx={{ mb: 0.5 }}>
        {label}
      </Typography>
      <ToggleButtonGroup
        exclusive
        size="small"
        value={value}
        onChange={(_, chosen: Value | null) => chosen && onChange(chosen)}
        aria-labelledby={id}
      >
        {options.map(([each, word]) => (
          <ToggleButton key={each} value={each}>
            {word}
          </ToggleButton>
        ))}
      </ToggleButtonGroup>
    </Box>
  );
}
