// A page's head and its measure.

import { Box, Stack, Typography } from "@mui/material";
import type { ReactNode } from "react";
import { useTitle } from "./title";

interface Props {
  title: string;
  lead?: ReactNode;
  actions?: ReactNode;
  wide?: boolean;
  children: ReactNode;
}

export function Page({ title, lead, actions, wide = false, children }: Props) {
  useTitle(title);
  return (
    <Box
      sx={{
        maxWidth: wide ? 1560 : 1160,
        mx: "auto",
        px: { xs: 2, sm: 3, md: 4 },
        pt: { xs: 2, md: 3.5 },
        pb: { xs: 11, md: 6 },
      }}
    >
      <Stack
        direction="row"
        sx={{ alignItems: "flex-start", justifyContent: "space-between", gap: 2, mb: 2.5, flexWrap: "wrap" }}
      >
        <Box>
          <Typography variant="h1">{title}</Typography>
          {lead && (
            <Typography variant="body2" color="textSecondary" sx={{ mt: 0.5, maxWidth: 640 }}>
              {lead}
            </Typography>
          )}
        </Box>
        {actions}
      </Stack>
      {children}
    </Box>
  );
}

/** A section with a small heading. */
export function Section({
  title,
  aside,
  children,
}: {
  title: string;
  aside?: ReactNode;
  children: ReactNode;
}) {
  return (
    <Box component="section" sx={{ mb: 3 }}>
      <Stack
        direction="row"
        sx={{ justifyContent: "space-between", alignItems: "center", mb: 1, minHeight: 24 }}
      >
        <Typography variant="subtitle2" component="h2" color="textSecondary">
          {title}
        </Typography>
        {aside}
      </Stack>
      {children}
    </Box>
  );
}
