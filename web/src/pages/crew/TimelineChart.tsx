// The lanes. One stop of the tab key; the arrows go from span to span, and Enter opens the session.

import { Typography, useMediaQuery } from "@mui/material";
import { Link, useNavigate } from "@tanstack/react-router";
import { type KeyboardEvent, memo, useLayoutEffect, useRef, useState } from "react";
import { words } from "../../model/status";
import { clock, took } from "../../model/time";
import { type Bar, type Chart, type Lane, ticksOf } from "../../model/timeline";
import css from "./Timeline.module.css";

interface Chosen {
  lane: number;
  bar: number;
}

export function TimelineChart({ chart, taskId }: { chart: Chart; taskId: string }) {
  const [chosen, setChosen] = useState<Chosen | null>(null);
  const navigate = useNavigate();
  const isTouch = useMediaQuery("(hover: none), (max-width: 599.95px)");
  const lane = chosen && chart.lanes[chosen.lane];
  const bar = chosen && lane?.bars[chosen.bar];

  const onKey = (event: KeyboardEvent) => {
    if (event.key === "Enter" && lane?.id) {
      void navigate({
        to: "/tasks/$taskId/sessions/$sessionId",
        params: { taskId, sessionId: lane.id },
      });
      return;
    }
    const next = moved(chart, chosen, event.key);
    if (!next) return;
    event.preventDefault();
    setChosen(next);
  };

  return (
    <>
      <div
        className={css.chart}
        role="application"
        aria-label="Timeline. The arrow keys go from span to span, Enter opens the session."
        aria-describedby="timeline-chosen"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it takes the arrow keys
        tabIndex={0}
        onKeyDown={onKey}
      >
        {chart.lanes.map((each, at) => (
          <LaneView
            key={each.id ?? "task"}
            lane={each}
            taskId={taskId}
            chosen={chosen?.lane === at ? chosen.bar : null}
            onChoose={(index) => setChosen({ lane: at, bar: index })}
          />
        ))}
        <Over chart={chart} />
      </div>
      <Ticks chart={chart} />
      <Typography
        id="timeline-chosen"
        aria-live="polite"
        variant="body2"
        color={bar ? "textPrimary" : "textSecondary"}
        sx={{ mt: 1.5, minHeight: 42, overflowWrap: "anywhere" }}
      >
        {bar && lane ? (
          <>
            <b>
              <bdi>{lane.name}</bdi>
            </b>{" "}
            · {bar.label} · {clock(bar.from)} – {bar.isOpen ? "now" : clock(bar.until)} ·{" "}
            {took(bar.until - bar.from)}
          </>
        ) : isTouch ? (
          "Tap a segment for details."
        ) : (
          "Hover or use arrow keys for details."
        )}
      </Typography>
    </>
  );
}

/** The axis, with as many times as have room. */
function Ticks({ chart }: { chart: Chart }) {
  const axis = useRef<HTMLDivElement>(null);
  const sample = useRef<HTMLSpanElement>(null);
  const [ticks, setTicks] = useState<{ at: number; left: number }[]>([]);
  // The longest label: the first and the last time may be on different days.
  const samples = [clock(chart.timeAt(0)), clock(chart.timeAt(1))];
  const longest = samples.reduce((a, b) => (b.length > a.length ? b : a));
  useLayoutEffect(() => {
    const place = () => {
      if (axis.current && sample.current)
        setTicks(ticksOf(chart, axis.current.clientWidth, sample.current.getBoundingClientRect().width));
    };
    place();
    const observer = new ResizeObserver(place);
    if (axis.current) observer.observe(axis.current);
    if (sample.current) observer.observe(sample.current);
    return () => observer.disconnect();
  }, [chart]);
  return (
    <div ref={axis} className={css.ticks} aria-hidden>
      <span ref={sample} className={css.sample}>
        {longest}
      </span>
      {ticks.map((tick) => (
        <span key={tick.left} data-tick className={css.tick} style={{ left: `${tick.left * 100}%` }}>
          {clock(tick.at)}
        </span>
      ))}
    </div>
  );
}

interface LaneProps {
  lane: Lane;
  taskId: string;
  chosen: number | null;
  onChoose: (bar: number) => void;
}

const LaneView = memo(
  function LaneView({ lane, taskId, chosen, onChoose }: LaneProps) {
    return (
      <div className={lane.id ? css.lane : `${css.lane} ${css.whole}`}>
        {lane.id ? (
          <Link
            to="/tasks/$taskId/sessions/$sessionId"
            params={{ taskId, sessionId: lane.id }}
            className={css.name}
            title={lane.name}
            dir="auto"
          >
            {lane.name}
          </Link>
        ) : (
          <span className={css.name} dir="auto">
            {lane.name}
          </span>
        )}
        <div className={css.track}>
          {lane.bars.map((bar, at) => (
            <div
              key={bar.from}
              className={look(bar, chosen === at)}
              style={{ left: `${bar.left * 100}%`, width: `${bar.width * 100}%` }}
              onPointerEnter={() => onChoose(at)}
            />
          ))}
        </div>
      </div>
    );
  },
  (before, after) => before.lane === after.lane && before.chosen === after.chosen,
);

function look(bar: Bar, isChosen: boolean): string {
  return [css.bar, css[bar.look], bar.isOpen && css.open, isChosen && css.chosen].filter(Boolean).join(" ");
}

/** The overlay of the lanes: short gaps, and messages from lane to lane. */
const Over = memo(function Over({ chart }: { chart: Chart }) {
  const share = 100 / chart.lanes.length;
  return (
    <div className={css.over} aria-hidden>
      {chart.gaps.map((gap) => (
        <div
          key={gap.left}
          className={css.gap}
          style={{ left: `${gap.left * 100}%`, width: `${gap.width * 100}%` }}
          title={`${gap.label} idle`}
        />
      ))}
      {chart.marks.map(({ id, left, kind, from, to }) => (
        <div
          key={id}
          className={`${css.mark} ${to >= from ? css.down : css.up}`}
          title={words(kind)}
          style={{
            left: `${left * 100}%`,
            top: `${(Math.min(from, to) + 0.5) * share}%`,
            height: `${Math.abs(to - from) * share}%`,
          }}
        />
      ))}
    </div>
  );
});

/** The target of a key: along the lane, or the span of the next lane that is nearest in time. */
function moved({ lanes }: Chart, at: Chosen | null, key: string): Chosen | null {
  const isArrow = key.startsWith("Arrow");
  if (!isArrow) return null;
  const lane = at && lanes[at.lane];
  const bar = at && lane?.bars[at.bar];
  if (!at || !lane || !bar) {
    const first = lanes.findIndex((each) => each.bars.length > 0);
    return first < 0 ? null : { lane: first, bar: 0 };
  }
  if (key === "ArrowLeft") return { ...at, bar: Math.max(0, at.bar - 1) };
  if (key === "ArrowRight") return { ...at, bar: Math.min(lane.bars.length - 1, at.bar + 1) };
  const step = key === "ArrowUp" ? -1 : 1;
  for (let next = at.lane + step; next >= 0 && next < lanes.length; next += step) {
    const bars = lanes[next]?.bars ?? [];
    if (bars.length === 0) continue;
    const distance = (other: Bar) => Math.abs(other.left - bar.left);
    const nearest = bars.reduce((best, other, index) => {
      const known = bars[best];
      return known && distance(other) >= distance(known) ? best : index;
    }, 0);
    return { lane: next, bar: nearest };
  }
  return at;
}
