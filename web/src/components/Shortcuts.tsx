// Keys that work everywhere, and the page that lists them.

import { Box, Dialog, DialogContent, DialogTitle, Stack, Typography } from "@mui/material";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { MONO } from "../theme";

const KEYS: [string, string][] = [
  ["c", "New task"],
  ["/", "Search tasks"],
  ["j  k", "Next and previous task in the list"],
  ["Enter", "Open the chosen task"],
  ["g t", "Go to tasks"],
  ["g f", "Go to the fleet"],
  ["g p", "Go to projects"],
  ["g a", "Go to agents"],
  ["?", "This list"],
];

/** Whether a key was meant for a text field or a dialog. */
export function isTyping(event: KeyboardEvent): boolean {
  const target = event.target instanceof HTMLElement ? event.target : null;
  if (event.metaKey || event.ctrlKey || event.altKey) return true;
  return Boolean(
    target?.closest(
      "input, textarea, select, [contenteditable=true], [role=dialog], [role=listbox], [role=menu]",
    ),
  );
}

export function Shortcuts() {
  const [isOpen, setOpen] = useState(false);
  const navigate = useNavigate();
  const goes = useRef(false);

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (isTyping(event)) return;
      const went = goes.current;
      goes.current = event.key === "g" && !went;
      if (went) {
        const to = ({ t: "/tasks", f: "/fleet", p: "/projects", a: "/agents" } as const)[
          event.key as "t" | "f" | "p" | "a"
        ];
        if (to) void navigate({ to });
      } else if (event.key === "?") {
        setOpen(true);
      } else if (event.key === "c") {
        event.preventDefault();
        void navigate({ to: "/tasks", search: { create: true } });
      }
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, [navigate]);

  return (
    <Dialog open={isOpen} onClose={() => setOpen(false)} maxWidth="xs" fullWidth>
      <DialogTitle>Keyboard</DialogTitle>
      <DialogContent sx={{ pb: 3 }}>
        {KEYS.map(([key, does]) => (
          <Stack key={key} direction="row" sx={{ justifyContent: "space-between", py: 0.625 }}>
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
