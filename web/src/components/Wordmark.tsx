// The product's name and sign.

import { Box, Stack, Typography } from "@mui/material";

export function Wordmark({ size = 22 }: { size?: number }) {
  return (
    <Stack direction="row" sx={{ alignItems: "center", gap: 1 }}>
      <Box
        component="svg"
        viewBox="0 0 32 32"
        aria-hidden
        sx={{ width: size, height: size, color: "text.primary" }}
      >
        <rect width="32" height="32" rx="7.5" fill="currentColor" />
        <path
          d="M9 10.5h14M9 16h9M9 21.5h5"
          stroke="var(--mui-palette-background-default)"
          strokeWidth="2.4"
          strokeLinecap="round"
        />
        <path
          d="m18.5 21.5 2.3 2.3 4.4-5.2"
          fill="none"
          stroke="var(--mui-palette-primary-light)"
          strokeWidth="2.6"
          strokeLinecap="round"
          strokeLinejoin="round"
        />
      </Box>
      <Typography component="span" sx={{ fontWeight: 660, fontSize: size * 0.69, letterSpacing: "-0.015em" }}>
        SpecTask
      </Typography>
    </Stack>
  );
}
