// A session's conversation, growing as it is spoken: only what is looked at is drawn, and its end is followed unless
// the reader scrolled away from it.

import ArrowDownwardRounded from "@mui/icons-material/ArrowDownwardRounded";
import { Box, Button, CircularProgress } from "@mui/material";
import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useVirtualizer, type Virtualizer } from "@tanstack/react-virtual";
import {
  type MouseEvent,
  memo,
  type RefObject,
  useCallback,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
} from "react";
import { readBackTo, readEarlier } from "../../api/queries";
import type { LogEntry, WorkSession } from "../../api/types";
import { Folds, Sought } from "../../components/Fold";
import { Empty, Failed, Paragraphs } from "../../components/States";
import { heightOf } from "../../model/height";
import { countBefore, type Log } from "../../model/log";
import { type Block, placeOf } from "../../model/transcript";
import { BlockView } from "./BlockView";
import css from "./Conversation.module.css";
import { useTalk } from "./Talking";
import { NEAR, useEnd } from "./useEnd";

/** How near the first known block the page before it is read, in pixels. */
const EARLY = 2500;
/** How wide the text is, on a wide screen. */
const MEASURE = 820;
/** How many rows are drawn beyond what is seen. */
const OVERSCAN = 6;
/** How large the list is taken for until it is there. */
const FIRST_RECT = { width: MEASURE, height: 300 };
/** The space that is kept free on both sides of it together. */
const PADDING = 40;

interface Props {
  session: WorkSession;
  /** The entry that is looked for; its end otherwise. */
  at?: number;
}

export function Conversation({ session, at }: Props) {
  const { log, blocks } = useTalk();
  const isReady = useBackTo(session.id, log.data, at);

  if (!log.data?.isRead || !isReady) {
    return (
      <Box sx={{ flex: 1, minHeight: 0, px: 2.5, py: 2 }}>
        {log.isError ? <Failed error={log.error} retry={() => void log.refetch()} /> : <Paragraphs />}
      </Box>
    );
  }
  if (log.data.entries.length === 0) {
    return (
      <Box sx={{ flex: 1, minHeight: 0 }}>
        <Empty title="No messages yet" compact>
          {session.status === "active"
            ? "The agent is starting."
            : "The conversation begins when the session does."}
        </Empty>
      </Box>
    );
  }
  return (
    <Folds>
      <Blocks key={at} session={session} log={log.data} blocks={blocks} at={at} />
    </Folds>
  );
}

/** Whether the log is known back to an entry; what is missing is read. */
function useBackTo(session: string, log: Log | undefined, at: number | undefined): boolean {
  const client = useQueryClient();
  const [given, giveUp] = useState<number>();
  const isMissing = log?.isRead === true && at !== undefined && at > 0 && countBefore(log.entries) >= at;
  useEffect(() => {
    if (!isMissing || at === undefined) return;
    // Where it cannot be read, the end is shown.
    void readBackTo(client, session, at).catch(() => giveUp(at));
  }, [client, session, at, isMissing]);
  return !isMissing || given === at;
}

interface BlocksProps {
  session: WorkSession;
  log: Log;
  blocks: readonly Block[];
  at?: number;
}

function Blocks({ session, log, blocks, at }: BlocksProps) {
  const box = useRef<HTMLDivElement>(null);
  const found = useRef(at === undefined ? -1 : placeOf(blocks, at, entryOf(log, at)));
  const sought = found.current >= 0 ? blocks[found.current] : undefined;
  const soughtKey = sought && keyOf(sought, found.current);
  const placed = useRef<() => void>(undefined);
  const heights = useHeights(blocks, box);
  const list = useVirtualizer({
    count: blocks.length,
    getScrollElement: () => box.current,
    estimateSize: heights,
    // What is looked at is drawn at once, and not what the list begins with before.
    initialOffset: () => sum(found.current >= 0 ? found.current : blocks.length, heights),
    initialRect: FIRST_RECT,
    getItemKey: useCallback((at: number) => keyOf(blocks[at], at), [blocks]),
    measureElement: heightIn,
    onChange: () => placed.current?.(),
    overscan: OVERSCAN,
    paddingStart: 12,
    paddingEnd: 16,
    anchorTo: "end",
    scrollEndThreshold: NEAR,
  });
  const missing = countBefore(log.entries);
  const earlier = useEarlier(session.id, missing);
  const { isAway, toEnd, scrolled, follow } = useEnd(box, list, found.current >= 0);
  const shown = list.getVirtualItems();
  const { room, end, place } = usePlace(list, shown.at(-1)?.index);
  const isAttaching = useRef(false);
  placed.current = () => {
    // Rows that come are measured one after the other; that they were drawn moves them all, once.
    if (isAttaching.current) return;
    place();
    follow();
  };
  const measure = useCallback(
    (row: HTMLElement | null) => {
      isAttaching.current = true;
      list.measureElement(row);
      isAttaching.current = false;
    },
    [list],
  );
  useLayoutEffect(() => {
    if (found.current >= 0) list.scrollToIndex(found.current, { align: "center" });
  }, [list]);
  const onScroll = () => {
    scrolled();
    if (box.current && box.current.scrollTop < EARLY) earlier.read();
  };
  // What is known may be too little to be scrolled.
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each page that was read
  useEffect(() => {
    if (box.current && list.getTotalSize() - box.current.clientHeight < EARLY) earlier.read();
  }, [missing]);

  return (
    <div className={css.frame}>
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: a link that is followed by the keyboard is clicked too */}
      <div
        ref={box}
        onScroll={onScroll}
        onClick={useEntryLinks(session)}
        role="log"
        aria-label="Conversation"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by the keyboard
        tabIndex={0}
        className={css.box}
      >
        {earlier.isReading && (
          <CircularProgress
            size={16}
            aria-label="Reading earlier entries"
            sx={{ position: "absolute", top: 8, left: "calc(50% - 8px)", zIndex: 1 }}
          />
        )}
        <div ref={room} className={css.room} style={{ maxWidth: MEASURE, height: list.getTotalSize() }}>
          <div ref={end} className={css.end} style={{ transform: moved(shown.at(-1)?.end) }}>
            {shown.map((item) => {
              const block = blocks[item.index];
              return (
                <div
                  key={item.key}
                  data-index={item.index}
                  ref={measure}
                  className={item.key === soughtKey ? `${css.entry} ${css.sought}` : css.entry}
                  aria-current={item.key === soughtKey ? "location" : undefined}
                >
                  {block && (
                    <Sought.Provider value={item.key === soughtKey}>
                      <Entry block={block} session={session} />
                    </Sought.Provider>
                  )}
                </div>
              );
            })}
          </div>
        </div>
      </div>
      {isAway && <Latest onClick={toEnd} />}
    </div>
  );
}

const Latest = memo(function Latest({ onClick }: { onClick: () => void }) {
  return (
    <Button
      variant="outlined"
      color="inherit"
      startIcon={<ArrowDownwardRounded />}
      onClick={onClick}
      sx={{
        position: "absolute",
        bottom: 12,
        left: "50%",
        transform: "translateX(-50%)",
        boxShadow: "0 2px 10px rgba(0,0,0,.14)",
      }}
    >
      Latest
    </Button>
  );
});

/**
 * Keeps the rows where the list says, also between two drawings: what is measured moves them before it is seen. They
 * hang from where the last of them ends, so that those which are added above grow away from the reader, and nothing
 * on the screen has to be moved for them.
 */
function usePlace(list: Virtualizer<HTMLDivElement, Element>, last: number | undefined) {
  const room = useRef<HTMLDivElement>(null);
  const end = useRef<HTMLDivElement>(null);
  const drawn = useRef(last);
  const place = () => {
    if (!room.current || !end.current || drawn.current === undefined) return;
    room.current.style.height = `${list.getTotalSize()}px`;
    end.current.style.transform = moved(list.measurementsCache[drawn.current]?.end);
  };
  useLayoutEffect(() => {
    drawn.current = last;
    // Rows are measured as they come, when it is not known yet which of them is the last.
    place();
  });
  return { room, end, place };
}

function moved(by = 0): string {
  // Whole pixels: letters between them would be drawn twice while it scrolls.
  return `translateY(${Math.round(by)}px)`;
}

/** The height of a row to the fraction, since the fractions of many rows add up. */
function heightIn(row: Element, entry: ResizeObserverEntry | undefined): number {
  const height = entry?.borderBoxSize[0]?.blockSize ?? row.getBoundingClientRect().height;
  // The browser counts in these parts of a pixel.
  return Math.round(height * 64) / 64;
}

interface EntryProps {
  block: Block;
  session: WorkSession;
}

const Entry = memo(function Entry({ block, session }: EntryProps) {
  return (
    <>
      <a
        className={css.link}
        href={`/tasks/${session.spec_task_id}/sessions/${session.id}?at=${block.seq}`}
        data-seq={block.seq}
        tabIndex={-1}
        aria-label={`Link to entry ${block.seq}`}
      >
        #
      </a>
      <BlockView block={block} />
    </>
  );
});

/** The heights that blocks probably have, until they are drawn. */
function useHeights(blocks: readonly Block[], box: RefObject<HTMLElement | null>) {
  const [known] = useState(() => new WeakMap<Block, number>());
  return useCallback(
    (at: number) => {
      const block = blocks[at];
      if (!block) return 0;
      let height = known.get(block);
      if (height === undefined) {
        height = heightOf(
          block,
          Math.min(MEASURE, (box.current?.clientWidth ?? window.innerWidth) - PADDING),
        );
        known.set(block, height);
      }
      return height;
    },
    [blocks, box, known],
  );
}

function sum(count: number, of: (at: number) => number): number {
  let all = 0;
  for (let at = 0; at < count; at++) all += of(at);
  return all;
}

function entryOf(log: Log, seq: number): LogEntry | undefined {
  return log.entries.find((entry) => entry.seq === seq);
}

/** A click on an entry's sign leads to its address and copies it. */
function useEntryLinks(session: WorkSession) {
  const navigate = useNavigate();
  return (event: MouseEvent) => {
    const link = event.target instanceof Element ? event.target.closest("a[data-seq]") : null;
    if (!(link instanceof HTMLAnchorElement) || event.metaKey || event.ctrlKey) return;
    event.preventDefault();
    // Without a safe connection there is no clipboard; the address bar has it too.
    void navigator.clipboard?.writeText(link.href).catch(() => undefined);
    void navigate({
      to: "/tasks/$taskId/sessions/$sessionId",
      params: { taskId: session.spec_task_id, sessionId: session.id },
      search: { at: Number(link.dataset.seq) },
    });
  };
}

/** Reads the log's earlier pages, one at a time. */
function useEarlier(session: string, missing: number) {
  const client = useQueryClient();
  const [isReading, setReading] = useState(false);
  const busy = useRef(false);
  const read = () => {
    if (missing === 0 || busy.current) return;
    busy.current = true;
    setReading(true);
    void readEarlier(client, session)
      // The next scroll asks again.
      .catch(() => undefined)
      .finally(() => {
        busy.current = false;
        setReading(false);
      });
  };
  return { read, isReading };
}

/** No two blocks begin with the same entry; numbers cost least where there are very many. */
function keyOf(block: Block | undefined, at: number): number {
  return block?.seq ?? -1 - at;
}
