// Pages that stand in for others: unknown addresses, errors, and the moment before the first answer.

import { Box, CircularProgress } from "@mui/material";
import { type ErrorComponentProps, useRouter } from "@tanstack/react-router";
import { useEffect } from "react";
import { OfflineError } from "../api/client";
import { LinkButton } from "./links";
import { Empty, Failed } from "./States";
import { useTitle } from "./title";

/** How often a page that could not be loaded is asked for again, in milliseconds. */
const RETRY = 1500;

export function NotFound() {
  useTitle("Page not found");
  return (
    <Empty
      isPage
      title="Page not found"
      action={
        <LinkButton variant="outlined" color="inherit" to="/tasks">
          Go to tasks
        </LinkButton>
      }
    >
      The link may be broken.
    </Empty>
  );
}

export function RouteError({ error }: ErrorComponentProps) {
  const router = useRouter();
  const isAway = error instanceof OfflineError;
  useEffect(() => {
    if (!isAway) return;
    // There is no stream yet that would say when the server is back.
    const timer = setInterval(() => void router.invalidate(), RETRY);
    return () => clearInterval(timer);
  }, [isAway, router]);
  return (
    <Box component="main" sx={{ maxWidth: 640, mx: "auto", p: 3, pt: 8 }}>
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
