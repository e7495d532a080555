// The rows of the task list.

import { Link } from "@tanstack/react-router";
import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { memo, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import type { SpecTask } from "../../api/types";
import { Ago } from "../../components/Ago";
import { Glyph } from "../../components/Glyph";
import { useHotkey } from "../../components/hotkeys";
import { Inline } from "../../components/Inline";
import { useAsking } from "../../components/Permissions";
import { PriorityMark } from "../../components/PriorityMark";
import { ProgressBar } from "../../components/ProgressBar";
import {
  GROUPS,
  type Group,
  groupOf,
  hasFailed,
  isLive,
  isPaused,
  taskState,
  withoutPlan,
} from "../../model/status";
import css from "./TaskRows.module.css";

/** Heights in rem: rows grow with the browser's text. */
const ROW = 54 / 16;
const HEADING = 38 / 16;
/** How many rows from the end the next page is asked for. */
const AHEAD = 20;

interface Props {
  tasks: SpecTask[];
  projects: ReadonlyMap<string, string>;
  /** Whether tasks that ask for the same attention stand together, under a heading. */
  isGrouped: boolean;
  hasMore: boolean;
  isLoadingMore: boolean;
  onMore: () => void;
}

/** A task with its number in the list, or the heading of those that follow. */
type Item = { group: Group } | { task: SpecTask; at: number };

function itemsOf(tasks: readonly SpecTask[], isGrouped: boolean): Item[] {
  let last: Group | undefined;
  return tasks.flatMap((task, at): Item[] => {
    const group = groupOf(task);
    const begins = isGrouped && group !== last;
    last = group;
    return begins ? [{ group }, { task, at }] : [{ task, at }];
  });
}

export function TaskRows({ tasks, projects, isGrouped, hasMore, isLoadingMore, onMore }: Props) {
  const asking = useAsking().tasks;
  const items = useMemo(() => itemsOf(tasks, isGrouped), [tasks, isGrouped]);
  const list = useRef<HTMLOListElement>(null);
  const [top, setTop] = useState(0);
  const [rem] = useState(pixelsOfRem);
  useLayoutEffect(() => {
    const element = list.current;
    if (element) setTop(element.getBoundingClientRect().top + window.scrollY);
  }, []);

  const rows = useWindowVirtualizer({
    count: items.length,
    estimateSize: (at) => heightOf(items[at], rem),
    overscan: 12,
    scrollMargin: top,
    getItemKey: (at) => keyOf(items[at]) ?? at,
  });
  const shown = rows.getVirtualItems();
  const last = shown.at(-1)?.index ?? 0;

  useEffect(() => {
    if (hasMore && !isLoadingMore && last >= items.length - AHEAD) onMore();
  }, [hasMore, isLoadingMore, last, items.length, onMore]);

  useArrowKeys(list, tasks.length, (at) =>
    rows.scrollToIndex(items.findIndex((item) => "task" in item && item.at === at)),
  );

  return (
    <ol ref={list} aria-label="Tasks" className={css.rows} style={{ height: rows.getTotalSize() }}>
      {shown.map((row) => {
        const item = items[row.index];
        const style = { height: heightOf(item, rem), transform: `translateY(${row.start - top}px)` };
        if (!item) return null;
        return "group" in item ? (
          <li key={row.key} className={css.place} style={style}>
            <h2 className={css.heading}>{GROUPS[item.group].label}</h2>
          </li>
        ) : (
          <li key={row.key} className={css.place} style={style}>
            <Row
              task={item.task}
              at={item.at}
              project={projects.get(item.task.project_id) ?? ""}
              asks={asking.has(item.task.id)}
            />
          </li>
        );
      })}
    </ol>
  );
}

/** A height in pixels, where a rem has so many. */
function heightOf(item: Item | undefined, rem: number): number {
  return Math.round((item && "group" in item ? HEADING : ROW) * rem);
}

function pixelsOfRem(): number {
  return Number.parseFloat(getComputedStyle(document.documentElement).fontSize) || 16;
}

function keyOf(item: Item | undefined): string | undefined {
  return item && ("group" in item ? `group-${item.group}` : item.task.id);
}

/** j, k and the arrows move between rows; Enter on a row is a link's own. */
function useArrowKeys(
  list: React.RefObject<HTMLElement | null>,
  count: number,
  scrollTo: (at: number) => void,
) {
  useHotkey("j k ArrowDown ArrowUp", ({ key }) => {
    const focused = document.activeElement?.closest<HTMLElement>("[data-row]");
    // The page scrolls by arrows unless a row has the focus.
    if (key.startsWith("Arrow") && !focused) return false;
    const step = key === "j" || key === "ArrowDown" ? 1 : -1;
    const present = focused ? Number(focused.dataset.row) : -1;
    const next = Math.min(count - 1, Math.max(0, present + step));
    scrollTo(next);
    requestAnimationFrame(() => list.current?.querySelector<HTMLElement>(`[data-row="${next}"]`)?.focus());
    return true;
  });
}

interface RowProps {
  task: SpecTask;
  at: number;
  project: string;
  /** Whether an agent of it waits for a permission. */
  asks: boolean;
}

const Row = memo(function Row({ task, at, project, asks }: RowProps) {
  const { label, tone } = taskState(task, asks);
  const waits = task.waits_for_person || isPaused(task) ? null : task.queue_reason;
  const why = hasFailed(task.status) ? task.last_error?.message : waits;
  const showsProgress = isLive(task.status) && task.progress > 0;
  return (
    <Link
      to="/tasks/$taskId"
      params={{ taskId: task.id }}
      data-row={at}
      className={isLive(task.status) ? css.row : `${css.row} ${css.ended}`}
    >
      <Glyph tone={tone} size={15} />
      <div className={css.words}>
        <p className={css.name} title={task.name} dir="auto">
          {task.name}
        </p>
        <p className={css.note}>
          {task.short_id}
          {" · "}
          <span className={`${css.status} ${css[tone] ?? ""}`}>{label}</span>
          {!task.planned && ` · ${withoutPlan(task.type)}`}
          {why && (
            <>
              {" · "}
              <bdi>
                <Inline text={why} />
              </bdi>
            </>
          )}
          {task.labels.length > 0 && ` · ${task.labels.join(", ")}`}
        </p>
      </div>
      <span className={css.project}>{project}</span>
      <div className={css.progress}>
        {showsProgress && <ProgressBar value={task.progress} label={`Progress of ${task.name}`} />}
      </div>
      <div className={css.priority}>
        <PriorityMark priority={task.priority} />
      </div>
      <span className={css.time}>
        <Ago at={task.updated_at} />
      </span>
    </Link>
  );
});
