// A link that opens a folder of the server in the Zed editor, where the server is this machine. A session's folder is handed off:
// the next SpecTask thread that Zed opens there is the session.

import { Button, Tooltip } from "@mui/material";
import { post } from "../api/client";

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

interface Props {
  path: string | null | undefined;
  /** The work session whose folder it is. */
  session?: string;
}

export function OpenInZed({ path, session }: Props) {
  if (!path || !LOOPBACK.test(window.location.hostname)) return null;
  const handOff = () => {
    if (!session) return;
    // The folder opens all the same: without the handoff, a thread in Zed begins a further session.
    post("/api/v1/work-sessions/{id}/editor-handoff", { params: { path: { id: session } } }).catch(() => {});
  };
  const hint = session
    ? "Opens the worktree. With `spectask acp --setup zed`, a new SpecTask thread in Zed continues this session."
    : "Opens the folder.";
  return (
    <Tooltip title={hint} describeChild>
      <Button size="small" color="inherit" href={`zed://file${encodeURI(path)}`} onClick={handOff}>
        Open in Zed
      </Button>
    </Tooltip>
  );
}
