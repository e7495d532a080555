// Keys that work everywhere, and the page that lists them.

import { Box, Dialog, DialogContent, DialogTitle, Stack, Typography } from "@mui/material";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { MONO } from "../theme";
import { useGoKeys, useHotkey } from "./hotkeys";

const KEYS: [string, string][] = [
  ["c", "New task"],
  ["/", "Search / filter tasks"],
  ["Ctrl K", "Search everything"],
  ["j  k", "Next and previous task or item in the list"],
  ["Enter", "Open the selected task or item"],
  ["a", "Approve what is under review"],
  ["r", "Request changes"],
  ["x", "Reject"],
  ["1 – 6", "Parts of a task: overview, specification, sessions, change, timeline, coordination"],
  ["a  w  x", "In the inbox: allow, allow for this task, reject"],
  ["t  s  r", "In the inbox: retry, skip the session, reply"],
  ["g i", "Go to the inbox"],
  ["g t", "Go to tasks"],
  ["g f", "Go to the fleet"],
  ["g s", "Go to the search"],
  ["g y", "Go to analytics"],
  ["g p", "Go to projects"],
  ["g a", "Go to agents"],
  ["g ,", "Go to settings"],
  ["g d", "Go to the API reference"],
  ["Ctrl Enter", "Submit"],
  ["Esc", "Close"],
  ["?", "This list"],
];

/** Where the key after a `g` goes. */
const PLACES = {
  i: "/inbox",
  t: "/tasks",
  f: "/fleet",
  s: "/search",
  y: "/analytics",
  p: "/projects",
  a: "/agents",
  ",": "/settings",
  d: "/docs",
} as const;

/** Opens the list of keys, wherever it is asked for. */
const asked = new EventTarget();

export const showShortcuts = () => asked.dispatchEvent(new Event("open"));

export function Shortcuts() {
  const [isOpen, setOpen] = useState(false);
  useEffect(() => {
    const open = () => setOpen(true);
    asked.addEventListener("open", open);
    return () => asked.removeEventListener("open", open);
  }, []);
  const navigate = useNavigate();
  useGoKeys(PLACES, (to) => void navigate({ to }));
  useHotkey("?", () => setOpen(true));
  useHotkey("c", () => void navigate({ to: "/tasks", search: { create: true } }));

  return (
    <Dialog open={isOpen} onClose={() => setOpen(false)} maxWidth="xs" fullWidth>
      <DialogTitle>Keyboard</DialogTitle>
      {/* What scrolls is reached by the keyboard. */}
      <DialogContent tabIndex={0} sx={{ pb: 3 }}>
        {KEYS.map(([key, does]) => (
          <Stack
            key={key}
            direction="row"
            sx={{ justifyContent: "space-between", alignItems: "flex-start", gap: 2, py: 0.625 }}
          >
            <Typography variant="body2">{does}</Typography>
            <Box
              component="kbd"
              sx={{
                fontFamily: MONO,
                fontSize: "0.78rem",
                px: 0.75,
                border: 1,
                borderColor: "divider",
                borderRadius: 0.75,
                bgcolor: "sunken",
                whiteSpace: "nowrap",
              }}
            >
              {key}
            </Box>
          </Stack>
        ))}
      </DialogContent>
    </Dialog>
  );
}
