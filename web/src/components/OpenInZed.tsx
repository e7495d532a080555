// A link that opens a folder of the server in the Zed editor, where the server is this machine.

import { Button } from "@mui/material";

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

export function OpenInZed({ path }: { path: string | null | undefined }) {
  if (!path || !LOOPBACK.test(window.location.hostname)) return null;
  return (
    <Button size="small" color="inherit" href={`zed://file${encodeURI(path)}`}>
      Open in Zed
    </Button>
  );
}
