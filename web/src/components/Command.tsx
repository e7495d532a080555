// A command to copy.

import CheckRounded from "@mui/icons-material/CheckRounded";
import ContentCopyRounded from "@mui/icons-material/ContentCopyRounded";
import { IconButton, Stack, Tooltip } from "@mui/material";
import { useState } from "react";
import { Mono } from "./Code";

/** How long the button says that it copied, in milliseconds. */
const COPIED_MS = 2000;

export function Command({ text, label }: { text: string; label: string }) {
  const [isCopied, setCopied] = useState(false);
  const copy = () => {
    // Without a secure connection the browser has no clipboard; the command can be selected.
    void navigator.clipboard?.writeText(text).then(
      () => {
        setCopied(true);
        setTimeout(() => setCopied(false), COPIED_MS);
      },
      () => undefined,
    );
  };
  return (
    <Stack direction="row" sx={{ alignItems: "center", gap: 0.5, minWidth: 0, overflowWrap: "anywhere" }}>
      <Mono>{text}</Mono>
      <Tooltip title={isCopied ? "Copied" : "Copy"}>
        <IconButton size="small" aria-label={isCopied ? "Copied" : label} onClick={copy}>
          {isCopied ? <CheckRounded fontSize="inherit" /> : <ContentCopyRounded fontSize="inherit" />}
        </IconButton>
      </Tooltip>
    </Stack>
  );
}
