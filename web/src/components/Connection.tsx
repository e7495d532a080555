// Whether what is shown is live, and a banner when it is not.

import { Box, Button, Stack, Typography } from "@mui/material";
import { useEffect, useLayoutEffect, useState } from "react";
import { useIsOffline, useLiveStatus, useReconnect } from "../live/provider";
import { timeOfDay } from "../model/time";
import { clocksHeldAt, holdClocks } from "./Ago";

/** How long a break may last before it is worth a banner, in milliseconds. */
const UNNOTICED = 1500;

/** Whether the stream has been away for longer than a blink. */
function useIsAway(): boolean {
  const status = useLiveStatus();
  const [isAway, setAway] = useState(false);
  useEffect(() => {
    if (status !== "offline") {
      setAway(false);
      return;
    }
    const timer = setTimeout(() => setAway(true), UNNOTICED);
    return () => clearTimeout(timer);
  }, [status]);
  return isAway;
}

export function OfflineBanner() {
  const isAway = useIsAway();
  const isOffline = useIsOffline();
  useLayoutEffect(() => {
    holdClocks(isOffline);
    return () => holdClocks(false);
  }, [isOffline]);
  const reconnect = useReconnect();
  if (!isAway) return null;
  return (
    <Stack
      role="status"
      direction="row"
      sx={{
        alignItems: "center",
        justifyContent: "center",
        gap: 1.5,
        px: 2,
        py: 0.75,
        position: "sticky",
        top: 0,
        zIndex: 1050,
        borderBottom: 1,
        borderColor: "divider",
        backgroundColor:
          "color-mix(in srgb, var(--mui-palette-warning-main) 14%, var(--mui-palette-background-default))",
      }}
    >
      <Typography variant="body2">
        Connection lost. Showing the state as of {asOf()}. Reconnecting…
      </Typography>
      <Button size="small" color="inherit" onClick={reconnect}>
        Retry now
      </Button>
    </Stack>
  );
}

function asOf(): string {
  return timeOfDay(clocksHeldAt() ?? Date.now());
}

const WORDS = { live: "Live", connecting: "Connecting…", offline: "Offline" };

export function ConnectionMark() {
  const status = useLiveStatus();
  return (
    <Stack direction="row" sx={{ alignItems: "center", gap: 0.875 }} role="status">
      <Box
        sx={{
          width: 7,
          height: 7,
          borderRadius: "50%",
          bgcolor:
            status === "live" ? "success.main" : status === "offline" ? "warning.main" : "text.disabled",
        }}
      />
      <Typography variant="caption" color="textSecondary">
        {WORDS[status]}
      </Typography>
    </Stack>
  );
}
