// Markdown from agents and people: HTML is shown as it was written, no foreign pictures, links that leave say so.

import { Link } from "@mui/material";
import { memo, type ReactNode, useMemo } from "react";
import ReactMarkdown, { type Components } from "react-markdown";
import remarkGfm from "remark-gfm";
import { markEars } from "../model/ears";
import { isPlain, pieces, withLines } from "../model/pieces";
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
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by the keyboard
    // biome-ignore lint/a11y/useSemanticElements: a group of fields it is not
    <div role="group" aria-label="Table" tabIndex={0} className={css.scroller}>
      <table>{children}</table>
    </div>
  ),
  // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by the keyboard
  pre: ({ node: _, ...props }) => <pre tabIndex={0} {...props} />,
  input: ({ checked }) => (
    <span role="img" aria-label={checked ? "done" : "to do"} className={css.tick}>
      {checked ? "☑" : "☐"}
    </span>
  ),
};

const PLUGINS = [remarkGfm];

/** How many pieces are remembered as they were read: those around what is looked at come and go. */
const REMEMBERED = 400;
const read = new Map<string, ReactNode>();

/** A piece as it is shown. Reading it costs more than all else that a conversation does while it is scrolled. */
function shown(text: string, line: number | null): ReactNode {
  if (line === null && isPlain(text)) return <p>{text.trimEnd()}</p>;
  const key = `${line ?? ""}:${text}`;
  const known = read.get(key);
  // What was used last is forgotten last.
  read.delete(key);
  const node =
    known ??
    ReactMarkdown({
      remarkPlugins: PLUGINS,
      rehypePlugins: line === null ? [] : [withLines(line), markEars],
      components: COMPONENTS,
      children: text,
    });
  read.set(key, node);
  const [oldest] = read.keys();
  if (read.size > REMEMBERED && oldest !== undefined) read.delete(oldest);
  return node;
}

const Piece = memo(function Piece({ text, line }: { text: string; line: number | null }) {
  return shown(text, line);
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
