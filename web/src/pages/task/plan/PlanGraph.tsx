// The planned tasks as a graph: from left to right in the steps in which they can run, with a line for each dependency.

import { Box } from "@mui/material";
import type { PlanTask } from "../../../api/types";
import { wavesOf } from "../../../model/waves";

const WIDTH = 132;
const HEIGHT = 40;
const GAP_X = 44;
const GAP_Y = 14;
/** As many letters of a title as a box has room for. */
const LETTERS = 17;

export function PlanGraph({ tasks }: { tasks: readonly PlanTask[] }) {
  const indexOf = new Map(tasks.map((task, index) => [task.number, index]));
  const planned = tasks.map((task, index) => ({
    index,
    task,
    dependencies: task.dependencies.flatMap((number) => indexOf.get(number) ?? []),
  }));
  const waves = wavesOf(planned);
  const place = new Map(
    waves.flatMap((wave, step) =>
      wave.map(({ index }, row) => [index, { x: 1 + step * (WIDTH + GAP_X), y: 1 + row * (HEIGHT + GAP_Y) }]),
    ),
  );
  const width = waves.length * (WIDTH + GAP_X) - GAP_X + 2;
  const height = Math.max(...waves.map((wave) => wave.length)) * (HEIGHT + GAP_Y) - GAP_Y + 2;
  return (
    <Box tabIndex={0} role="group" aria-label="Dependency graph" sx={{ overflowX: "auto", py: 1 }}>
      <svg
        width={width}
        height={height}
        role="img"
        aria-label={`${tasks.length} tasks in ${waves.length} steps`}
      >
        {planned.flatMap(({ index, task, dependencies }) =>
          dependencies.map((needed) => {
            const [from, to] = [place.get(needed), place.get(index)];
            if (!from || !to) return null;
            const [x, y, endX, endY] = [from.x + WIDTH, from.y + HEIGHT / 2, to.x, to.y + HEIGHT / 2];
            return (
              <path
                key={`${task.number} ${needed}`}
                d={`M${x} ${y}C${x + GAP_X / 2} ${y} ${endX - GAP_X / 2} ${endY} ${endX} ${endY}`}
                fill="none"
                stroke="var(--mui-palette-text-secondary)"
              />
            );
          }),
        )}
        {planned.map(({ index, task }) => {
          const at = place.get(index);
          if (!at) return null;
          const title = task.title.length > LETTERS ? `${task.title.slice(0, LETTERS - 1)}…` : task.title;
          return (
            <g key={task.number} transform={`translate(${at.x} ${at.y})`}>
              <title>{`${task.number} ${task.title}`}</title>
              <rect
                width={WIDTH}
                height={HEIGHT}
                rx={6}
                fill="var(--mui-palette-background-paper)"
                stroke="var(--mui-palette-text-secondary)"
              />
              <text x={8} y={16} fontSize={11} fill="var(--mui-palette-text-secondary)">
                {task.number}
              </text>
              <text x={8} y={31} fontSize={12} fill="var(--mui-palette-text-primary)">
                {title}
              </text>
            </g>
          );
        })}
      </svg>
    </Box>
  );
}
