// Says which page was opened to those who hear it.

import { Box } from "@mui/material";
import { useEffect, useRef, useState } from "react";
import { onTitle } from "./title";

/** Off the screen, and still read aloud. */
const UNSEEN = {
  position: "absolute",
  width: "1px",
  height: "1px",
  m: "-1px",
  overflow: "hidden",
  clipPath: "inset(50%)",
  whiteSpace: "nowrap",
} as const;

export function Announcer() {
  const [said, say] = useState("");
  // The browser itself reads the title of the page that it loads.
  const loaded = useRef<string | null>(window.location.pathname);
  useEffect(
    () =>
      onTitle((title) => {
        if (loaded.current === window.location.pathname) return;
        loaded.current = null;
        say(title);
      }),
    [],
  );
  return (
    <Box role="status" aria-label="Page" sx={UNSEEN}>
      {said}
    </Box>
  );
}
