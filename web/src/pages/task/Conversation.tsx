// A session's conversation, growing as it is spoken: only what is looked at is drawn, and its end is followed unless
// the reader scrolled away from it.

import ArrowDownwardRounded from "@mui/icons-material/ArrowDownwardRounded";
import { Box, Button, CircularProgress } from "@mui/material";
import { type UseQueryResult, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type MouseEvent, useEffect, useLayoutEffect, useRef, useState } from "react";
import { logQuery, readBackTo, readEarlier } from "../../api/queries";
import type { LogEntry, PermissionRequest, WorkSession } from "../../api/types";
import { Folds } from "../../components/Fold";
import { usePermissions } from "../../components/Permissions";
import { Empty, Failed, Paragraphs } from "../../components/States";
import { useTopic } from "../../live/provider";
import { countBefore, type Log } from "../../model/log";
import { type Block, placeOf, Transcript } from "../../model/transcript";
import { BlockView } from "./BlockView";
import css from "./Conversation.module.css";
import { NEAR, useEnd } from "./useEnd";

/** How near the first known block the page before it is read, in pixels. */
const EARLY = 2500;
/** About how many letters fit on a line, to guess the height of what was never drawn. */
const LINE = 100;

/** A session's log as it grows, and its blocks. */
export interface Talk {
  log: UseQueryResult<Log>;
  blocks: readonly Block[];
}

export function useTalk(sessionId: string): Talk {
  useTopic("session", sessionId);
  const log = useQuery(logQuery(useQueryClient(), sessionId));
  const [transcript] = useState(() => new Transcript());
  return { log, blocks: log.data?.isRead ? transcript.read(log.data.entries) : NOTHING };
}

const NOTHING: readonly Block[] = [];

interface Props {
  session: WorkSession;
  talk: Talk;
  /** The entry that is looked for; its end otherwise. */
  at?: number;
}

export function Conversation({ session, talk: { log, blocks }, at }: Props) {
  const questions = usePermissions();
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
        <Empty title="Nothing said yet" compact>
          {session.status === "active"
            ? "The agent is starting."
            : "The conversation begins when the session does."}
        </Empty>
      </Box>
    );
  }
  return (
    <Folds>
      <Blocks key={at} session={session} log={log.data} blocks={blocks} questions={questions} at={at} />
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
  questions: PermissionRequest[];
  at?: number;
}

function Blocks({ session, log, blocks, questions, at }: BlocksProps) {
  const sessionId = session.id;
  const box = useRef<HTMLDivElement>(null);
  const found = useRef(at === undefined ? -1 : placeOf(blocks, entryOf(log, at)));
  const sought = found.current >= 0 ? blocks[found.current] : undefined;
  const soughtKey = sought && keyOf(sought, found.current);
  const list = useVirtualizer({
    count: blocks.length,
    getScrollElement: () => box.current,
    estimateSize: (at) => guess(blocks[at]),
    getItemKey: (at) => keyOf(blocks[at], at),
    overscan: 8,
    paddingStart: 12,
    paddingEnd: 16,
    anchorTo: "end",
    scrollEndThreshold: NEAR,
  });
  const earlier = useEarlier(sessionId, countBefore(log.entries));
  const { isAway, toEnd, scrolled } = useEnd(box, list, found.current >= 0);
  useLayoutEffect(() => {
    if (found.current >= 0) list.scrollToIndex(found.current, { align: "center" });
  }, [list]);
  const onScroll = () => {
    scrolled();
    if (box.current && box.current.scrollTop < EARLY) earlier.read();
  };

  const shown = list.getVirtualItems();
  return (
    <Box sx={{ position: "relative", flex: 1, minHeight: 0 }}>
      <Box
        ref={box}
        onScroll={onScroll}
        onClick={useEntryLinks(session)}
        role="log"
        aria-label="Conversation"
        tabIndex={0}
        sx={{
          height: "100%",
          overflowY: "auto",
          // The list keeps its place by itself.
          overflowAnchor: "none",
          px: { xs: 1.75, sm: 2.5 },
          "&:focus-visible": { outlineOffset: -2 },
        }}
      >
        {earlier.isReading && (
          <CircularProgress
            size={16}
            aria-label="Reading earlier entries"
            sx={{ position: "absolute", top: 8, left: "calc(50% - 8px)", zIndex: 1 }}
          />
        )}
        <div style={{ height: list.getTotalSize(), position: "relative", maxWidth: 820, margin: "0 auto" }}>
          <div
            // Whole pixels: letters between them would be drawn twice while it scrolls.
            style={{ position: "absolute", insetInline: 0, top: Math.round(shown[0]?.start ?? 0) }}
          >
            {shown.map((item) => {
              const block = blocks[item.index];
              return (
                // What a block keeps around itself is part of its height.
                <div
                  key={item.key}
                  data-index={item.index}
                  ref={list.measureElement}
                  className={item.key === soughtKey ? `${css.entry} ${css.sought}` : css.entry}
                  aria-current={item.key === soughtKey ? "location" : undefined}
                >
                  {block && (
                    <a
                      className={css.link}
                      href={`/tasks/${session.spec_task_id}/sessions/${sessionId}?at=${block.seq}`}
                      data-seq={block.seq}
                      tabIndex={-1}
                      aria-label={`Link to entry ${block.seq}`}
                    >
                      #
                    </a>
                  )}
                  {block && <BlockView block={block} questions={questions} />}
                </div>
              );
            })}
          </div>
        </div>
      </Box>
      {isAway && (
        <Button
          variant="outlined"
          color="inherit"
          startIcon={<ArrowDownwardRounded />}
          onClick={toEnd}
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
      )}
    </Box>
  );
}

function entryOf(log: Log, seq: number): LogEntry {
  return log.entries.find((entry) => entry.seq === seq) ?? { seq, at: "", kind: "" };
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

function keyOf(block: Block | undefined, at: number): string | number {
  return block ? `${block.block}-${block.seq}` : at;
}

/** About how high a block is, in pixels. */
function guess(block: Block | undefined): number {
  switch (block?.block) {
    case "agent":
      return 20 + 22 * (Math.ceil(block.text.length / LINE) + (block.text.split("\n").length - 1) * 0.6);
    case "user":
      return block.by === "spectask" ? 100 : 90 + 22 * Math.floor(block.text.length / LINE);
    case "plan":
      return 60 + 24 * block.entries.length;
    case "permission":
      return 40;
    case "turn":
    case "notice":
    case "coordination":
      return 44;
    case "recorded":
      return 72;
    default:
      return 29;
  }
}
