// What an agent asks or tells, in Markdown: its line breaks are kept, as in a message.

import { Box } from "@mui/material";
import { Markdown } from "./Markdown";

/** From how many letters, or lines, on a text is scrolled where there is little room. */
const LONG = 600;
const LINES = 8;

interface Props {
  text: string;
  /** Whether it stands among other things, where a long text is scrolled. */
  scrolls?: boolean;
}

export function AgentText({ text, scrolls = false }: Props) {
  const isScrolled = scrolls && (text.length > LONG || text.split("\n").length > LINES);
  return (
    <Box
      dir="auto"
      // What scrolls is reached by the keyboard.
      {...(isScrolled && { tabIndex: 0, role: "group", "aria-label": "Text of the agent" })}
      sx={{
        my: 0.5,
        textAlign: "left",
        "& p": { whiteSpace: "pre-line" },
        ...(isScrolled && { maxHeight: 200, overflowY: "auto" }),
      }}
    >
      <Markdown text={text} compact />
    </Box>
  );
}
