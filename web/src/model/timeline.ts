// The positions of a task's time spans on a chart.
//
// The axis is linear while a session or a person is active; long idle time is drawn short, so that a night before a
// review does not hide the work.

import type { Timeline, TimelineSpan } from "../api/types";
import { type Tone, words } from "./status";
import { duration } from "./time";

/** How a stretch is drawn: at work, being handled by the server, waiting, for a person, or in trouble. */
export type Look = "turn" | "server" | "wait" | "person" | "failed";

const LOOKS: Record<string, Look> = {
  turn: "turn",
  elsewhere: "turn",
  opening: "server",
  saving: "server",
  merging: "server",
  checks: "server",
  landing: "server",
  spec_approved: "server",
  spec_generation: "turn",
  implementation: "turn",
  spec_review: "person",
  implementation_review: "person",
  permission: "person",
  failed: "failed",
  spec_failed: "failed",
  implementation_failed: "failed",
};

export const LOOK_WORDS: Record<Look, string> = {
  turn: "Agent working",
  server: "System",
  wait: "Waiting",
  person: "Waiting for you",
  failed: "Failed",
};

export const LOOK_TONES: Record<Look, Tone> = {
  turn: "working",
  server: "working",
  wait: "waiting",
  person: "attention",
  failed: "failed",
};

const SAID: Record<string, string> = {
  blocked: "Blocked by other sessions",
  waiting: "Waiting for a free slot or the next turn",
  opening: "Opening its worktree",
  saving: "Committing its work",
  ready: "Complete, waiting to be merged",
  merging: "Being merged",
  failed: "Failed, waiting for you",
  elsewhere: "Active in an editor",
  permission: "Waiting for your permission",
  checks: "Checks run",
  landing: "The change is merged",
  spec_generation: "Planning",
  spec_review: "Specification review",
  spec_revision: "Planning is queued",
  implementation: "Implementation",
  implementation_review: "Change review",
};

export interface Bar {
  look: Look;
  label: string;
  from: number;
  until: number;
  isOpen: boolean;
  /** Shares of the chart's width. */
  left: number;
  width: number;
}

export interface Lane {
  /** The session; null is the task as a whole. */
  id: string | null;
  name: string;
  bars: Bar[];
}

export interface Chart {
  lanes: Lane[];
  /** The time at a share of the width. */
  timeAt: (share: number) => number;
  /** Where time is drawn short. */
  gaps: { left: number; width: number; label: string }[];
  /** Messages: when, and between which lanes. */
  marks: { id: string; left: number; kind: string; from: number; to: number }[];
}

/** How many ticks an axis has at most. */
const MAX_TICKS = 6;
/** The least room between the labels of two ticks, in pixels. */
const LABEL_GAP = 12;
/** The share of the working time from which on idle time is drawn short, and what is drawn of it. */
const LONG = 0.12;

export function chartOf(timeline: Timeline, now: number): Chart {
  const begin = Date.parse(timeline.started_at);
  const end = Math.max(begin + 1000, timeline.ended_at ? Date.parse(timeline.ended_at) : now);
  const everything = [timeline.spans, ...timeline.lanes.map((lane) => lane.spans)];
  const busy = union(
    everything.flatMap((spans, at) =>
      spans
        .filter((span) => (at === 0 ? isShort(span) : isAtWork(span)))
        .map((span): Stretch => [Date.parse(span.from), span.until ? Date.parse(span.until) : end]),
    ),
    begin,
    end,
  );
  const { scale, invert, gaps } = axis(busy, begin, end);
  const bars = (spans: readonly TimelineSpan[]) => spans.map((span) => bar(span, end, scale));
  const lanes: Lane[] = [
    { id: null, name: "The task", bars: bars(timeline.spans) },
    ...timeline.lanes.map((lane) => ({
      id: lane.work_session_id,
      name: lane.name,
      bars: bars(lane.spans),
    })),
  ];
  const laneOf = (id: string | null) =>
    Math.max(
      0,
      lanes.findIndex((lane) => lane.id === id),
    );
  return {
    lanes,
    timeAt: invert,
    gaps,
    marks: timeline.marks.map((mark) => ({
      id: mark.event_id,
      left: scale(Date.parse(mark.at)),
      kind: mark.event_type,
      from: laneOf(mark.from_session_id),
      to: laneOf(mark.to_session_id),
    })),
  };
}

/**
 * Places ticks at equal distances, as many as have room for their labels. The outer two labels stand within the axis,
 * the others are centred on their ticks, so the first needs half a label more than the distance between two others.
 */
export function ticksOf(
  chart: Pick<Chart, "timeAt">,
  width: number,
  labelWidth: number,
): { at: number; left: number }[] {
  const fitting = Math.floor(width / (1.5 * labelWidth + LABEL_GAP)) + 1;
  const count = Math.max(2, Math.min(MAX_TICKS, fitting));
  return Array.from({ length: count }, (_, tick) => {
    const left = tick / (count - 1);
    return { at: chart.timeAt(left), left };
  });
}

function bar(span: TimelineSpan, end: number, scale: (at: number) => number): Bar {
  const from = Date.parse(span.from);
  const until = span.until ? Date.parse(span.until) : end;
  const left = scale(from);
  return {
    look: LOOKS[span.kind] ?? "wait",
    label: span.turn_number
      ? `Turn ${span.turn_number}: ${span.asked_for ?? ""}`
      : (SAID[span.kind] ?? words(span.kind)),
    from,
    until,
    isOpen: span.until === null,
    left,
    width: Math.max(0, scale(until) - left),
  };
}

/** Whether a session does something, or something is done for it. */
function isAtWork(span: TimelineSpan): boolean {
  return ["turn", "server"].includes(LOOKS[span.kind] ?? "");
}

/** The activities of the task as a whole that no session shows. */
function isShort(span: TimelineSpan): boolean {
  return span.kind === "checks" || span.kind === "landing" || span.kind === "spec_approved";
}

type Stretch = [from: number, until: number];

/** The spans within bounds, those that touch as one, in order. */
function union(stretches: Stretch[], begin: number, end: number): Stretch[] {
  const out: Stretch[] = [];
  for (const [from, until] of stretches.sort((a, b) => a[0] - b[0])) {
    const last = out.at(-1);
    const within: Stretch = [Math.max(begin, from), Math.min(end, until)];
    if (within[1] <= within[0]) continue;
    if (last && within[0] <= last[1]) last[1] = Math.max(last[1], within[1]);
    else out.push(within);
  }
  return out;
}

/** The axis: from times to shares of the width and back, and the gaps that are drawn short. */
function axis(busy: readonly Stretch[], begin: number, end: number) {
  const working = busy.reduce((sum, [from, until]) => sum + until - from, 0);
  const longest = working > 0 ? working * LONG : end - begin;
  const pieces: { from: number; until: number; weight: number; isShort: boolean }[] = [];
  let at = begin;
  const idle = (until: number) => {
    const length = until - at;
    if (length > 0)
      pieces.push({ from: at, until, weight: Math.min(length, longest), isShort: length > 2 * longest });
  };
  for (const [from, until] of busy) {
    idle(from);
    pieces.push({ from, until, weight: until - from, isShort: false });
    at = until;
  }
  idle(end);
  // A gap that is only a little too long is drawn as it is.
  for (const piece of pieces) if (!piece.isShort) piece.weight = piece.until - piece.from;
  const whole = pieces.reduce((sum, piece) => sum + piece.weight, 0) || 1;
  const scale = (time: number): number => {
    let left = 0;
    for (const { from, until, weight } of pieces) {
      if (time >= until) left += weight;
      else return (left + (weight * Math.max(0, time - from)) / (until - from)) / whole;
    }
    return 1;
  };
  const invert = (share: number): number => {
    let left = share * whole;
    for (const { from, until, weight } of pieces) {
      if (left <= weight) return from + ((until - from) * left) / (weight || 1);
      left -= weight;
    }
    return end;
  };
  const gaps = pieces
    .filter((piece) => piece.isShort)
    .map(({ from, until }) => ({
      left: scale(from),
      width: scale(until) - scale(from),
      label: duration((until - from) / 1000),
    }));
  return { scale, invert, gaps };
}
