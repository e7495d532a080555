// The previews of a session: a button for each of its ports on which a dev server listens. It opens the page of the dev server
// in a tab of its own, at a host that is no part of the dashboard.

import OpenInNewRounded from "@mui/icons-material/OpenInNewRounded";
import { Button, Snackbar, Stack, Tooltip, Typography } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { get, post } from "../../api/client";
import type { WorkSession } from "../../api/types";

/** How often the ports are looked at while the page is seen, in milliseconds. */
const REFRESH_INTERVAL = 5000;

export function Previews({ session }: { session: WorkSession }) {
  const params = { path: { id: session.id } };
  const { data } = useQuery({
    queryKey: ["previews", session.id],
    queryFn: () => get("/api/v1/work-sessions/{id}/previews", { params }),
    // Without a worktree there is nothing to show.
    enabled: Boolean(session.workspace_path),
    refetchInterval: REFRESH_INTERVAL,
    retry: false,
  });
  const [failure, setFailure] = useState("");
  const open = (number: number) => {
    // Browsers open tabs only while a click is handled; this one waits for its address.
    const tab = window.open("about:blank", "_blank");
    if (tab) tab.opener = null;
    post("/api/v1/work-sessions/{id}/previews", { params, body: { number } }).then(
      ({ url }) =>
        tab
          ? tab.location.replace(url)
          : setFailure("The browser did not open a tab. Allow pop-ups for this page."),
      (error: Error) => {
        tab?.close();
        setFailure(error.message);
      },
    );
  };
  if (!session.workspace_path || !data) return null;
  if (data.previews.length === 0 && !data.unavailable) return null;
  return (
    <Stack direction="row" sx={{ gap: 1, flexWrap: "wrap", alignItems: "center", mt: 1 }}>
      {data.previews.map(({ number, port }) => (
        <Tooltip key={number} title="Opens what the session's dev server shows, in a new tab" describeChild>
          <Button
            size="small"
            variant="outlined"
            color="inherit"
            endIcon={<OpenInNewRounded />}
            onClick={() => open(number)}
          >
            Preview SPECTASK_PORT_{number} (port {port})
          </Button>
        </Tooltip>
      ))}
      {data.unavailable && (
        <Typography variant="caption" color="textSecondary">
          No previews: {data.unavailable}
        </Typography>
      )}
      <Snackbar open={failure !== ""} message={failure} onClose={() => setFailure("")} />
    </Stack>
  );
}
