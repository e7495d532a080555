// Markdown from agents and people: HTML is shown as it was written, no foreign pictures, links that leave say so.

import { Link } from "@mui/material";
import { memo, useMemo } from "react";
import ReactMarkdown, { type Components } from "react-markdown";
import remarkGfm from "remark-gfm";
import { pieces, withLines } from "../model/pieces";
import css from "./Markdown.module.css";

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
    <div className={css.scroller}>
      <table>{children}</table>
    </div>
  ),
  input: ({ checked }) => (
    <span role="img" aria-label={checked ? "done" : "to do"} className={css.tick}>
      {checked ? "☑" : "☐"}
    </span>
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
    <div className={compact ? `${css.text} ${css.compact}` : css.text}>
      {parts.map(({ piece, line }, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a text grows at its end, its pieces stay in place
        <Piece key={at} text={piece} line={numbered ? line : null} />
      ))}
    </div>
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
