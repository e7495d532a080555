import { expect, test } from "vitest";
import { wavesOf } from "./waves";

const task = (index: number, ...dependencies: number[]) => ({ index, dependencies });
const indices = (waves: { index: number }[][]) => waves.map((wave) => wave.map(({ index }) => index));

test("tasks run as early as what they need allows", () => {
  const plan = [task(0), task(1), task(2, 0), task(3, 1, 2), task(4, 0)];
  expect(indices(wavesOf(plan))).toEqual([[0, 1], [2, 4], [3]]);
  expect(wavesOf([])).toEqual([]);
});

test("what is needed and not there, and circles, keep nothing out", () => {
  expect(indices(wavesOf([task(0, 9), task(1, 2), task(2, 1)]))).toEqual([[0], [1, 2]]);
});
