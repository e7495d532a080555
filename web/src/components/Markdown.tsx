// Markdown from agents and people: HTML is shown as it was written, no foreign pictures, links that leave say so.

import { Box, Link } from "@mui/material";
import { memo, useMemo } from "react";
import ReactMarkdown, { type Components } from "react-markdown";
import remarkGfm from "remark-gfm";
import { pieces, withLines } from "../model/pieces";
import { MONO } from "../theme";

const COMPONENTS: Components = {
  a: ({ href, children }) => {
    const leaves = /^https?:\/\//i.test(href ?? "");
    return (
      <Link href={href} {...(leaves ? { target: "_blank", rel: "noreferrer noopener" } : {})}>
        {children}
      </Link>
    );
  },
  // Pictures of other sites would tell them who reads this; their address is shown instead.
  img: ({ src, alt }) => <code>{alt || String(src ?? "image")}</code>,
  table: ({ children }) => (
    <Box sx={{ overflowX: "auto", my: 1.5 }}>
      <table>{children}</table>
    </Box>
  ),
  input: ({ checked }) => (
    <Box
      component="span"
      role="img"
      aria-label={checked ? "done" : "to do"}
      sx={{ mr: 0.5, color: "text.secondary" }}
    >
      {checked ? "☑" : "☐"}
    </Box>
  ),
};

const PLUGINS = [remarkGfm];

const Piece = memo(function Piece({ text, line }: { text: string; line: number | null }) {
  const rehype = useMemo(() => (line === null ? [] : [withLines(line)]), [line]);
  return (
    <ReactMarkdown remarkPlugins={PLUGINS} rehypePlugins={rehype} components={COMPONENTS}>
      {text}
    </ReactMarkdown>
  );
});

export const Markdown = memo(function Markdown({
  text,
  compact = false,
  numbered = false,
}: {
  text: string;
  compact?: boolean;
  /** Whether elements carry the lines of the source that they come from. */
  numbered?: boolean;
}) {
  const parts = useMemo(() => placed(text), [text]);
  return (
    <Box
      sx={{
        fontSize: compact ? "0.875rem" : "0.9375rem",
        lineHeight: compact ? 1.55 : 1.65,
        overflowWrap: "anywhere",
        "&& > :not(* + *)": { mt: 0 },
        "&& > :last-child": { mb: 0 },
        "& p": { my: compact ? 0.75 : 1.25 },
        "& h1, & h2, & h3, & h4": { lineHeight: 1.35, letterSpacing: "-0.01em", mb: 0.75, fontWeight: 640 },
        "& h1": { fontSize: compact ? "1rem" : "1.25rem", mt: 2 },
        "& h2": { fontSize: compact ? "0.95rem" : "1.0625rem", mt: compact ? 1.5 : 3 },
        "& h3": { fontSize: compact ? "0.9rem" : "0.96875rem", mt: compact ? 1.25 : 2.5 },
        "& h4": { fontSize: "0.875rem", mt: 2, color: "text.secondary" },
        "& ul, & ol": { pl: 3, my: 1 },
        "& li": { my: 0.375 },
        "& li > ul, & li > ol": { my: 0.25 },
        "& ul.contains-task-list": { listStyle: "none", pl: 0.5 },
        "& ul.contains-task-list ul": { pl: 3 },
        "& blockquote": {
          m: 0,
          my: 1.5,
          pl: 2,
          borderLeft: 3,
          borderColor: "divider",
          color: "text.secondary",
        },
        "& code": {
          fontFamily: MONO,
          fontSize: "0.86em",
          bgcolor: "sunken",
          border: 1,
          borderColor: "divider",
          borderRadius: 0.5,
          px: 0.5,
          py: "1px",
        },
        "& pre": {
          bgcolor: "sunken",
          border: 1,
          borderColor: "divider",
          borderRadius: 1,
          p: 1.5,
          overflowX: "auto",
          my: 1.5,
          lineHeight: 1.5,
        },
        "& pre code": { border: 0, p: 0, bgcolor: "transparent", fontSize: "0.8125rem" },
        "& table": { borderCollapse: "collapse", fontSize: "0.875rem" },
        "& th, & td": {
          border: 1,
          borderColor: "divider",
          px: 1.25,
          py: 0.625,
          textAlign: "left",
          verticalAlign: "top",
        },
        // A narrow table is read by scrolling, not letter by letter.
        "& th, & td, & td code": { overflowWrap: "break-word" },
        "& th": { bgcolor: "sunken", fontWeight: 600 },
        "& hr": { border: 0, borderTop: 1, borderColor: "divider", my: 3 },
      }}
    >
      {parts.map(({ piece, line }, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a text grows at its end, its pieces stay in place
        <Piece key={at} text={piece} line={numbered ? line : null} />
      ))}
    </Box>
  );
});

/** The pieces of a text, each with the line before it. */
function placed(text: string): { piece: string; line: number }[] {
  let line = 0;
  return pieces(text).map((piece) => {
    const begun = line;
    line += piece.split("\n").length - 1;
    return { piece, line: begun };
  });
}
