import { expect, test } from "vitest";
import type { Timeline, TimelineSpan } from "../api/types";
import { chartOf, ticksOf } from "./timeline";

const at = (second: number) => new Date(1_700_000_000_000 + second * 1000).toISOString();
const ms = (second: number) => Date.parse(at(second));

const span = (kind: TimelineSpan["kind"], from: number, until: number | null): TimelineSpan => ({
  kind,
  from: at(from),
  until: until === null ? null : at(until),
  turn_number: kind === "turn" ? 1 : null,
  asked_for: kind === "turn" ? "go on" : null,
});

function timeline(end: number | null, lanes: TimelineSpan[][], marks: Timeline["marks"] = []): Timeline {
  return {
    spec_task_id: "spt_1",
    started_at: at(0),
    ended_at: end === null ? null : at(end),
    now: at(end ?? 100),
    spans: [],
    lanes: lanes.map((spans, index) => ({
      work_session_id: `s${index}`,
      name: `Session ${index}`,
      phase: "implementation",
      status: "active",
      parent_work_session_id: null,
      spans,
    })),
    marks,
  };
}

test("active time is drawn to scale", () => {
  const chart = chartOf(timeline(100, [[span("turn", 0, 50)], [span("turn", 50, 100)]]), ms(500));
  expect(chart.lanes.map((lane) => lane.bars.map(({ left, width }) => [left, width]))).toEqual([
    [],
    [[0, 0.5]],
    [[0.5, 0.5]],
  ]);
  expect(chart.gaps).toEqual([]);
  const ticks = ticksOf(chart, 1000, 80);
  expect(ticks.map((tick) => (tick.at - ms(0)) / 1000)).toEqual([0, 20, 40, 60, 80, 100]);
});

test("an idle night is drawn short, and positions map back to times", () => {
  const night = 10_000;
  const chart = chartOf(
    timeline(night + 100, [
      [span("turn", 0, 100), span("waiting", 100, night), span("turn", night, night + 100)],
    ]),
    ms(0),
  );
  const [before, waits, after] = chart.lanes[1]?.bars ?? [];
  expect(chart.gaps).toHaveLength(1);
  expect(chart.gaps[0]?.label).toBe("2 h 45 min");
  expect(before?.width).toBeGreaterThan(0.25);
  expect(waits?.width).toBeLessThan(0.15);
  expect(after?.width).toBeCloseTo(before?.width ?? 0);
  const ticks = ticksOf(chart, 1000, 80);
  for (const tick of ticks) expect(tick.at).toBeGreaterThanOrEqual(ms(0));
  expect(ticks.at(-1)?.at).toBe(ms(night + 100));
});

test("an open span reaches to the present", () => {
  const chart = chartOf(timeline(null, [[span("turn", 0, null)]]), ms(60));
  expect(chart.lanes[1]?.bars).toMatchObject([{ isOpen: true, left: 0, width: 1, until: ms(60) }]);
  expect(chart.lanes[1]?.bars[0]?.label).toBe("Turn 1: go on");
});

test("a task that only waits has a chart too", () => {
  const chart = chartOf({ ...timeline(null, []), spans: [span("backlog", 0, null)] }, ms(3600));
  expect(chart.lanes[0]?.bars).toMatchObject([{ look: "wait", label: "Backlog", left: 0, width: 1 }]);
});

test("marks go from lane to lane; people and all sessions are the task's", () => {
  const mark = (from: string | null, to: string | null) => ({
    event_id: `${from}${to}`,
    at: at(50),
    event_type: "handoff" as const,
    from_session_id: from,
    to_session_id: to,
  });
  const chart = chartOf(
    timeline(100, [[span("turn", 0, 100)], []], [mark("s0", "s1"), mark(null, null), mark("gone", "s0")]),
    ms(100),
  );
  expect(chart.marks.map(({ from, to, left }) => [from, to, left])).toEqual([
    [1, 2, 0.5],
    [0, 0, 0.5],
    [0, 1, 0.5],
  ]);
});

test("the labels of an axis never overlap, however narrow it is", () => {
  const chart = { timeAt: (share: number) => share };
  for (const label of [60, 80, 130]) {
    for (let width = 2 * label + 12; width < 1500; width += 7) {
      const ticks = ticksOf(chart, width, label);
      const boxes = ticks.map(({ left }, at) => {
        const start = at === 0 ? 0 : at === ticks.length - 1 ? width - label : left * width - label / 2;
        return [start, start + label] as const;
      });
      for (const [at, [start]] of boxes.entries())
        expect(start).toBeGreaterThanOrEqual((boxes[at - 1]?.[1] ?? -12) + 12 - 1e-6);
    }
  }
  expect(ticksOf(chart, 572, 80)).toHaveLength(5);
  expect(ticksOf(chart, 1200, 80)).toHaveLength(6);
});

test("a permission request is a wait for a person", () => {
  const chart = chartOf(timeline(null, [[span("turn", 0, 50), span("permission", 50, null)]]), ms(100));
  expect(chart.lanes[1]?.bars.map(({ look, label }) => [look, label])).toEqual([
    ["turn", "Turn 1: go on"],
    ["person", "Waiting for your permission"],
  ]);
});
