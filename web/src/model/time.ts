// Times as people say them.

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/**
 * How long ago a time was, in few letters: `just now`, `5 min ago`, `3 h ago`, `2 d ago`, then the date. It is rounded
 * down and `remaining` up, so that the two add up to the whole.
 */
export function ago(at: string, now: number): string {
  const then = Date.parse(at);
  if (Number.isNaN(then)) return "";
  const seconds = Math.floor((now - then) / 1000);
  // Clocks differ a little between machines; the near future is now.
  if (seconds < MINUTE) return seconds < -MINUTE ? date(then, now) : "just now";
  if (seconds < HOUR) return `${Math.floor(seconds / MINUTE)} min ago`;
  if (seconds < DAY) return `${Math.floor(seconds / HOUR)} h ago`;
  if (seconds < 7 * DAY) return `${Math.floor(seconds / DAY)} d ago`;
  return date(then, now);
}

function date(then: number, now: number): string {
  const sameYear = new Date(then).getFullYear() === new Date(now).getFullYear();
  return new Date(then).toLocaleDateString(undefined, {
    day: "numeric",
    month: "short",
    year: sameYear ? undefined : "numeric",
  });
}

/** A duration in its two largest units: `42 s`, `3 min 5 s`, `2 h 15 min`, `1 d 4 h`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const parts: [number, string][] = [
    [Math.floor(whole / DAY), "d"],
    [Math.floor((whole % DAY) / HOUR), "h"],
    [Math.floor((whole % HOUR) / MINUTE), "min"],
    [whole % MINUTE, "s"],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  if (first < 0) return "0 s";
  const shown = parts.slice(first, first + 2).filter(([count]) => count > 0);
  return shown.map(([count, unit]) => `${count} ${unit}`).join(" ");
}

/** How long there is still time, rounded up: `40 s`, `14 min`. */
export function remaining(seconds: number): string {
  return seconds >= MINUTE ? `${Math.ceil(seconds / MINUTE)} min` : `${Math.max(0, Math.ceil(seconds))} s`;
}

/** How long something took, from milliseconds. */
export function took(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : duration(ms / 1000);
}

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const DATE = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const SHORT_DATE = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });

/** The time of day, with two digits for hours, minutes and seconds. */
export const timeOfDay = (at: string | number): string => CLOCK.format(new Date(at));

/** The date with its year. */
export const dateOf = (at: string): string => DATE.format(new Date(at));

/** The date and the time of day. */
export const dateTime = (at: string): string => `${dateOf(at)}, ${timeOfDay(at)}`;

/** The time of day, with its date unless that is today. */
export function clock(at: number): string {
  const isToday = new Date(at).toDateString() === new Date().toDateString();
  return isToday ? timeOfDay(at) : `${SHORT_DATE.format(new Date(at))} ${timeOfDay(at)}`;
}

/** The steps that an axis of durations may have, in seconds. */
const STEPS = [
  ...[1, 2, 5, 10, 15, 30],
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * MINUTE),
  ...[1, 2, 3, 6, 12].map((hours) => hours * HOUR),
];
/** How many steps an axis of durations has at most. */
const MAX_STEPS = 4;

/** The ticks of an axis of durations up to some seconds: each is a whole number of its unit, and no two read alike. */
export function durationTicks(seconds: number): number[] {
  const days = Math.max(1, Math.ceil(seconds / DAY / MAX_STEPS)) * DAY;
  const step = STEPS.find((each) => seconds / each <= MAX_STEPS) ?? days;
  return Array.from({ length: Math.max(1, Math.ceil(seconds / step)) + 1 }, (_, tick) => tick * step);
}
