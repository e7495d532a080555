// What the words of an address mean. One that means nothing is as if it were not there: an address may be typed by
// hand, or be older than what it speaks of.

export const oneOf = <Value>(values: readonly Value[], value: unknown): Value | undefined =>
  values.find((each) => each === value);

/** The keys of a table. `Object.keys` says only that they are strings: a shape may have more than its type tells. */
export const keysOf = <Key extends string>(table: Record<Key, unknown>) => Object.keys(table) as Key[];

export const word = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" ? value : undefined;

/** The search text; digits alone are read as a number on their way here. */
export const sought = (value: unknown): string | undefined =>
  value === undefined ? undefined : String(value) || undefined;

/** A day of the calendar, as `2026-01-31`. */
export function day(value: unknown): string | undefined {
  const time = typeof value === "string" && /^\d{4}-\d\d-\d\d$/.test(value) ? Date.parse(value) : Number.NaN;
  const read = Number.isNaN(time) ? undefined : new Date(time).toISOString().slice(0, 10);
  return read === value ? read : undefined;
}

export const flag = (value: unknown): true | undefined => value === true || value === "true" || undefined;

/** The number of an entry of a log. */
export const entry = (value: unknown): number | undefined =>
  Number.isSafeInteger(Number(value)) && Number(value) > 0 ? Number(value) : undefined;
