// The rows of the task list.

import { Box, Typography } from "@mui/material";
import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { memo, useEffect, useLayoutEffect, useRef, useState } from "react";
import type { SpecTask } from "../../api/types";
import { Ago } from "../../components/Ago";
import { Glyph } from "../../components/Glyph";
import { LinkBox } from "../../components/links";
import { PriorityMark } from "../../components/PriorityMark";
import { ProgressBar } from "../../components/ProgressBar";
import { isTyping } from "../../components/Shortcuts";
import { hasFailed, isLive, taskStatus } from "../../model/status";

const ROW = 58;
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
  const list = useRef<HTMLDivElement>(null);
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
    <Box
      ref={list}
      role="list"
      aria-label="Tasks"
      sx={{ position: "relative", height: rows.getTotalSize(), borderTop: 1, borderColor: "divider" }}
    >
      {shown.map((row) => {
        const task = tasks[row.index];
        return task ? (
          <Box
            key={row.key}
            role="listitem"
            aria-setsize={tasks.length}
            aria-posinset={row.index + 1}
            sx={{ position: "absolute", left: 0, right: 0, top: 0, height: ROW }}
            style={{ transform: `translateY(${row.start - top}px)` }}
          >
            <Row task={task} at={row.index} project={projects.get(task.project_id) ?? ""} />
          </Box>
        ) : null;
      })}
    </Box>
  );
}

/** j, k and the arrows move between rows; Enter on a row is a link's own. */
function useArrowKeys(
  list: React.RefObject<HTMLDivElement | null>,
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
  const { label, tone } = taskStatus(task.status);
  const why = hasFailed(task.status) ? task.last_error?.message : task.queue_reason;
  const showsProgress = isLive(task.status) && task.progress > 0;
  return (
    <LinkBox
      to="/tasks/$taskId"
      params={{ taskId: task.id }}
      data-row={at}
      sx={{
        display: "grid",
        gridTemplateColumns: {
          xs: "20px minmax(0, 1fr) auto",
          md: "20px minmax(0, 1fr) 140px 120px 18px 44px",
        },
        columnGap: { xs: 1.5, md: 2 },
        alignItems: "center",
        height: "100%",
        px: 1.5,
        color: "inherit",
        textDecoration: "none",
        borderBottom: 1,
        borderColor: "divider",
        "&:hover": { bgcolor: "action.hover" },
        "&:focus-visible": {
          outline: "2px solid var(--mui-palette-primary-main)",
          outlineOffset: -2,
          borderRadius: 1,
        },
      }}
    >
      <Glyph tone={tone} size={15} />
      <Box sx={{ minWidth: 0 }}>
        <Typography
          variant="body2"
          noWrap
          sx={{ fontWeight: 560, color: isLive(task.status) ? "text.primary" : "text.secondary" }}
        >
          {task.name}
        </Typography>
        <Typography variant="caption" noWrap component="p" color="textSecondary">
          <Box
            component="span"
            sx={{
              color: tone === "attention" ? "warning.main" : tone === "failed" ? "error.main" : "inherit",
              fontWeight: 520,
            }}
          >
            {label}
          </Box>
          {why && ` · ${why}`}
          {task.labels.length > 0 && ` · ${task.labels.join(", ")}`}
        </Typography>
      </Box>
      <Typography
        variant="caption"
        color="textSecondary"
        noWrap
        sx={{ display: { xs: "none", md: "block" } }}
      >
        {project}
      </Typography>
      <Box sx={{ display: { xs: "none", md: "block" } }}>
        {showsProgress && <ProgressBar value={task.progress} label={`Progress of ${task.name}`} />}
      </Box>
      <Box sx={{ display: { xs: "none", md: "block" } }}>
        <PriorityMark priority={task.priority} />
      </Box>
      <Typography variant="caption" color="textSecondary" sx={{ textAlign: "right", whiteSpace: "nowrap" }}>
        <Ago at={task.updated_at} />
      </Typography>
    </LinkBox>
  );
});
