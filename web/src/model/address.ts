// What the words of an address mean. One that means nothing is as if it were not there: an address may be typed by
// hand, or be older than what it speaks of.

import * as v from "valibot";

/** The parameters of an address; invalid ones are absent. */
const orNothing = <Schema extends v.GenericSchema>(schema: Schema) =>
  v.fallback(v.optional(schema), undefined);

export const oneOf = <const Words extends readonly string[]>(words: Words) => orNothing(v.picklist(words));

export const word = orNothing(v.pipe(v.string(), v.nonEmpty()));

/** The search text; digits alone are read as a number on their way here. */
export const sought = orNothing(
  v.pipe(v.union([v.string(), v.number(), v.boolean()]), v.transform(String), v.nonEmpty()),
);

/** A day of the calendar, as `2026-01-31`. */
export const day = orNothing(v.pipe(v.string(), v.isoDate(), v.check(isOfCalendar)));

function isOfCalendar(day: string): boolean {
  const time = Date.parse(day);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(day);
}

export const flag = orNothing(
  v.pipe(
    v.union([v.literal(true), v.literal("true")]),
    v.transform(() => true as const),
  ),
);

/** The number of an entry of a log, or of a line. */
export const entry = orNothing(
  v.pipe(v.union([v.string(), v.number()]), v.toNumber(), v.safeInteger(), v.minValue(1)),
);
