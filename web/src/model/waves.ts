// The parallel steps of a plan: each planned task as early as its dependencies allow.

interface Planned {
  index: number;
  dependencies: readonly number[];
}

/** The planned tasks in the steps in which they can run; those of one step run in parallel. */
export function wavesOf<Task extends Planned>(tasks: readonly Task[]): Task[][] {
  const done = new Set<number>();
  const known = new Set(tasks.map(({ index }) => index));
  const waves: Task[][] = [];
  let left = [...tasks];
  while (left.length > 0) {
    const ready = left.filter(({ dependencies }) =>
      dependencies.every((index) => done.has(index) || !known.has(index)),
    );
    // A circle has no beginning; the server refuses such a plan, and its tasks are shown all the same.
    const wave = ready.length > 0 ? ready : left;
    waves.push(wave);
    for (const { index } of wave) done.add(index);
    left = left.filter((task) => !wave.includes(task));
  }
  return waves;
}
