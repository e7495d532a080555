// The consequences of an action, before it is requested.

import { Box, Typography } from "@mui/material";

export function Preview({ lines }: { lines: readonly string[] }) {
  return (
    <Box
      component="section"
      aria-label="Preview"
      sx={{ px: 1.75, py: 1.25, bgcolor: "sunken", border: 1, borderColor: "divider", borderRadius: 1 }}
    >
      <Typography variant="caption" color="textSecondary" component="h3" sx={{ fontWeight: 600, mb: 0.25 }}>
        Preview
      </Typography>
      <Box component="ul" sx={{ m: 0, pl: 2.25 }}>
        {lines.map((line) => (
          <Typography key={line} component="li" variant="body2" sx={{ overflowWrap: "anywhere" }}>
            {line}
          </Typography>
        ))}
      </Box>
    </Box>
  );
}
