// Words that are known, among words that may be anything.

export const oneOf = <Value>(values: readonly Value[], value: unknown): Value | undefined =>
  values.find((each) => each === value);

/** Whether a word is one of a table's keys. */
export const isIn = <Table extends object>(table: Table, key: PropertyKey): key is keyof Table =>
  Object.hasOwn(table, key);

/** The keys of a table. `Object.keys` says only that they are strings: a shape may have more than its type tells. */
export const keysOf = <Key extends string>(table: Record<Key, unknown>) => Object.keys(table) as Key[];
