// The rows of the task list.

import { Link } from "@tanstack/react-router";
import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { memo, useEffect, useLayoutEffect, useRef, useState } from "react";
import type { SpecTask } from "../../api/types";
import { Ago } from "../../components/Ago";
import { Glyph } from "../../components/Glyph";
import { Inline } from "../../components/Inline";
import { PriorityMark } from "../../components/PriorityMark";
import { ProgressBar } from "../../components/ProgressBar";
import { isTyping } from "../../components/Shortcuts";
import { hasFailed, isLive, isPlanned, taskState, words } from "../../model/status";
import css from "./TaskRows.module.css";

const ROW = 54;
/** How many rows from the end the next page is asked for. */
const AHEAD = 20;

interface Props {
  tasks: SpecTask[];
  projects: ReadonlyMap<string, string>;
  hasMore: boolean;
  isLoadingMore: boolean;
  onMore: () => void;
}

export function TaskRows({ tasks, projects, hasMore, isLoadingMore, onMore }: Props) {
  const list = useRef<HTMLOListElement>(null);
  const [top, setTop] = useState(0);
  useLayoutEffect(() => {
    const element = list.current;
    if (element) setTop(element.getBoundingClientRect().top + window.scrollY);
  }, []);

  const rows = useWindowVirtualizer({
    count: tasks.length,
    estimateSize: () => ROW,
    overscan: 12,
    scrollMargin: top,
    getItemKey: (at) => tasks[at]?.id ?? at,
  });
  const shown = rows.getVirtualItems();
  const last = shown.at(-1)?.index ?? 0;

  useEffect(() => {
    if (hasMore && !isLoadingMore && last >= tasks.length - AHEAD) onMore();
  }, [hasMore, isLoadingMore, last, tasks.length, onMore]);

  useArrowKeys(list, tasks.length, (at) => rows.scrollToIndex(at));

  return (
    <ol ref={list} aria-label="Tasks" className={css.rows} style={{ height: rows.getTotalSize() }}>
      {shown.map((row) => {
        const task = tasks[row.index];
        return task ? (
          <li
            key={row.key}
            aria-setsize={tasks.length}
            aria-posinset={row.index + 1}
            className={css.place}
            style={{ height: ROW, transform: `translateY(${row.start - top}px)` }}
          >
            <Row task={task} at={row.index} project={projects.get(task.project_id) ?? ""} />
          </li>
        ) : null;
      })}
    </ol>
  );
}

/** j, k and the arrows move between rows; Enter on a row is a link's own. */
function useArrowKeys(
  list: React.RefObject<HTMLElement | null>,
  count: number,
  scrollTo: (at: number) => void,
) {
  const scroll = useRef(scrollTo);
  scroll.current = scrollTo;
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const step = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 }[event.key];
      if (!step || isTyping(event)) return;
      const focused = document.activeElement?.closest<HTMLElement>("[data-row]");
      if (event.key.startsWith("Arrow") && !focused) return;
      event.preventDefault();
      const present = focused ? Number(focused.dataset.row) : -1;
      const next = Math.min(count - 1, Math.max(0, present + step));
      scroll.current(next);
      requestAnimationFrame(() => list.current?.querySelector<HTMLElement>(`[data-row="${next}"]`)?.focus());
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, [list, count]);
}

const Row = memo(function Row({ task, at, project }: { task: SpecTask; at: number; project: string }) {
  const { label, tone } = taskState(task);
  const waits = task.waits_for_person ? null : task.queue_reason;
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
        <p className={css.name} title={task.name}>
          {task.name}
        </p>
        <p className={css.note}>
          <span className={`${css.status} ${css[tone] ?? ""}`}>{label}</span>
          {!isPlanned(task.type) && ` · ${words(task.type)}`}
          {why && (
            <>
              {" · "}
              <Inline text={why} />
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
