// A terminal in the session's worktree. What draws it is loaded when it is opened.

import { Button, Typography } from "@mui/material";
import { lazy, Suspense, useState } from "react";
import type { WorkSession } from "../../api/types";
import { Empty } from "../../components/States";

const TerminalScreen = lazy(() => import("./TerminalScreen"));

export function Terminal({ session }: { session: WorkSession }) {
  const [isOpen, setOpen] = useState(false);
  if (!isOpen) {
    return (
      <Empty
        title="Open a shell in the worktree"
        compact
        action={
          <Button variant="outlined" color="inherit" onClick={() => setOpen(true)}>
            Open terminal
          </Button>
        }
      >
        It has the session&apos;s variables and ports, and runs in the sandbox as the agent does. It ends a
        minute after you leave the page. Nothing that you type or see is recorded.
      </Empty>
    );
  }
  return (
    <Suspense fallback={<Typography color="textSecondary">Loading the terminal…</Typography>}>
      <TerminalScreen session={session.id} />
    </Suspense>
  );
}
