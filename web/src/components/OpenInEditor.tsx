// Opens a folder of the server in an editor: a link for the editor that was used last, and a menu of all. A session's folder is
// handed off: the next SpecTask thread that an editor opens there is the session.

import ArrowDropDownRounded from "@mui/icons-material/ArrowDropDownRounded";
import { Button, IconButton, MenuItem, Snackbar, Stack, Tooltip } from "@mui/material";
import { useState } from "react";
import { post } from "../api/client";
import { EDITORS, type Editor, editorOf, folderOf } from "../model/editors";
import { PageMenu } from "./PageMenu";

/** Where the browser keeps which editor was used last. */
const LAST_USED = "spectask-editor";

interface Props {
  path: string | null | undefined;
  /** The work session whose folder it is. */
  session?: string;
}

export function OpenInEditor({ path, session }: Props) {
  const [last, setLast] = useState(() => editorOf(lastUsed()));
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  const [said, say] = useState("");
  if (!path) return null;
  const folder = folderOf(path, window.location.hostname);
  const used = (editor: Editor) => {
    setAnchor(null);
    setLast(editor);
    try {
      localStorage.setItem(LAST_USED, editor.id);
    } catch {
      // A browser that keeps nothing offers the first editor again.
    }
    if (editor.link(folder) === null) copy(editor.command(folder), say);
    if (!session) return;
    // The folder opens all the same: without the handoff, a thread in the editor begins a further session.
    post("/api/v1/work-sessions/{id}/editor-handoff", { params: { path: { id: session } } }).catch(() => {});
  };
  const hint = session
    ? "Opens the worktree. With `spectask acp --setup`, a new SpecTask thread in the editor continues this session."
    : "Opens the folder.";
  const opens = (editor: Editor) => {
    const link = editor.link(folder);
    return link === null ? {} : { component: "a", href: link };
  };
  return (
    <Stack direction="row" sx={{ alignItems: "center" }}>
      <Tooltip title={hint} describeChild>
        <Button size="small" color="inherit" {...opens(last)} onClick={() => used(last)}>
          {labelOf(last, last.link(folder) === null)}
        </Button>
      </Tooltip>
      <IconButton
        size="small"
        aria-label="Choose an editor"
        aria-haspopup="menu"
        aria-expanded={anchor !== null}
        onClick={(event) => setAnchor(event.currentTarget)}
      >
        <ArrowDropDownRounded fontSize="small" />
      </IconButton>
      <PageMenu label="Editors" open={anchor !== null} anchorEl={anchor} onClose={() => setAnchor(null)}>
        {EDITORS.map((editor) => (
          <MenuItem
            key={editor.id}
            selected={editor.id === last.id}
            {...opens(editor)}
            onClick={() => used(editor)}
          >
            {labelOf(editor, editor.link(folder) === null)}
          </MenuItem>
        ))}
      </PageMenu>
      <Snackbar open={said !== ""} message={said} onClose={() => say("")} />
    </Stack>
  );
}

const labelOf = (editor: Editor, isCommand: boolean) =>
  isCommand ? `Copy command for ${editor.name}` : `Open in ${editor.name}`;

function copy(command: string, say: (words: string) => void) {
  const shown = () => say(`Run in a terminal: ${command}`);
  // Without a secure connection the browser has no clipboard; the command can be read.
  if (!navigator.clipboard) return shown();
  void navigator.clipboard.writeText(command).then(() => say(`Copied: ${command}`), shown);
}

function lastUsed(): string | undefined {
  try {
    return localStorage.getItem(LAST_USED) ?? undefined;
  } catch {
    return undefined;
  }
}
