// The lines of a diff with their numbers.

import { Fragment, type KeyboardEvent, type MouseEvent, memo, type ReactNode, useRef } from "react";
import { chunksOf, type Line } from "../model/diff";
import css from "./DiffLines.module.css";
import { Verbatim } from "./FileName";
import { useIsNear } from "./near";

const SIGN = { add: "+", remove: "−", same: " ", hunk: " ", note: " " } as const;

interface Props {
  lines: Line[];
  label: string;
  /** Whether long lines are wrapped, as prose is read; else they are scrolled. */
  wraps?: boolean;
  /** Called with a line whose number is clicked. */
  onPick?: (line: Line) => void;
  /** The content below a line. */
  below?: (line: Line) => ReactNode[];
}

export const DiffLines = memo(function DiffLines({ lines, label, wraps = false, onPick, below }: Props) {
  const canPick = onPick !== undefined;
  // One for all lines, so that none is drawn again because what happens after a click is different.
  const pick = (event: MouseEvent) => {
    const button = event.target instanceof Element ? event.target.closest("button[data-at]") : null;
    const line = button instanceof HTMLElement ? lines[Number(button.dataset.at)] : undefined;
    if (line) onPick?.(line);
  };
  return (
    <section
      aria-label={label}
      aria-keyshortcuts={canPick ? "ArrowDown ArrowUp" : undefined}
      onKeyDown={canPick ? moveByArrow : undefined}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by the keyboard
      tabIndex={0}
      className={[css.box, canPick && css.pickable, wraps && css.wraps].filter(Boolean).join(" ")}
      onClick={canPick ? pick : undefined}
    >
      {chunksOf(lines).map((chunk) => (
        <Chunk key={chunk.start} {...chunk} canPick={canPick} below={below} />
      ))}
    </section>
  );
});

interface ChunkProps {
  lines: readonly Line[];
  /** How many lines of the diff come before. */
  start: number;
  canPick: boolean;
  below: Props["below"];
}

/** Some lines of a diff; only their height is kept while they are far from what is seen, unless they are in use. */
function Chunk({ lines, start, canPick, below }: ChunkProps) {
  const box = useRef<HTMLDivElement>(null);
  const isNear = useIsNear(box);
  const hasFocus = box.current?.contains(document.activeElement) ?? false;
  const isDrawn = isNear || hasFocus || (below !== undefined && lines.some((line) => below(line).length > 0));
  return (
    <div ref={box}>
      {isDrawn ? (
        <div className={css.table}>
          {lines.map((line, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the lines of a diff never move
            <Fragment key={at}>
              <Row line={line} at={start + at} canPick={canPick} />
              {below?.(line)}
            </Fragment>
          ))}
        </div>
      ) : (
        <div style={{ height: `${lines.length}lh` }}>{lines.length} lines</div>
      )}
    </div>
  );
}

/** The arrows go from line to line of a change, which is one stop of the tab key. */
function moveByArrow(event: KeyboardEvent<HTMLElement>): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const from = event.target;
  // Within a comment the arrows are the text's.
  if (!step || (from !== event.currentTarget && !(from instanceof HTMLButtonElement))) return;
  const numbers = [...event.currentTarget.querySelectorAll<HTMLElement>("button[data-at]")];
  const at = from instanceof HTMLButtonElement ? numbers.indexOf(from) : -1;
  const next = numbers[at < 0 ? 0 : at + step];
  if (!next) return;
  event.preventDefault();
  next.focus();
}

interface RowProps {
  line: Line;
  at: number;
  canPick: boolean;
}

const Row = memo(function Row({ line, at, canPick }: RowProps) {
  const isOld = line.kind === "remove";
  return (
    <div className={css[line.kind]}>
      <LineNumber value={line.old} at={canPick && isOld ? at : null} />
      <LineNumber value={line.new} at={canPick && !isOld ? at : null} />
      <div className={css.text}>
        <span className={css.sign}>{SIGN[line.kind]}</span>
        <Verbatim text={line.text} />
      </div>
    </div>
  );
});

/** A number of a line; a button where it stands for the line of that place, which then can be picked by it. */
function LineNumber({ value, at }: { value: number | null; at: number | null }) {
  if (at === null) return <div className={css.number}>{value}</div>;
  return (
    <div className={css.main}>
      {value !== null && (
        <button
          type="button"
          tabIndex={-1}
          data-at={at}
          aria-label={`Comment on line ${value}`}
          className={css.pick}
        >
          {value}
        </button>
      )}
    </div>
  );
}
