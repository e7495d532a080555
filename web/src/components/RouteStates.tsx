// Pages that stand in for others: unknown addresses, errors, and the moment before the first answer.

import { Box, CircularProgress } from "@mui/material";
import { type ErrorComponentProps, useRouter } from "@tanstack/react-router";
import { LinkButton } from "./links";
import { Empty, Failed } from "./States";

export function NotFound() {
  return (
    <Empty
      title="There is no such page"
      action={
        <LinkButton variant="outlined" color="inherit" to="/tasks">
          Go to tasks
        </LinkButton>
      }
    >
      The address may be old, or mistyped.
    </Empty>
  );
}

export function RouteError({ error }: ErrorComponentProps) {
  const router = useRouter();
  return (
    <Box sx={{ maxWidth: 640, mx: "auto", p: 3, pt: 8 }}>
      <Failed error={error} retry={() => void router.invalidate()} />
    </Box>
  );
}

export function Starting() {
  return (
    <Box sx={{ display: "grid", placeItems: "center", minHeight: "100dvh" }}>
      <CircularProgress size={22} aria-label="Loading" />
    </Box>
  );
}
