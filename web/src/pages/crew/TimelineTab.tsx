// The timeline: the task and its sessions as lanes over one axis, or the same as a table.

import { Box, Stack, Typography } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { timelineQuery } from "../../api/queries";
import type { TaskDetail } from "../../api/types";
import { useNow } from "../../components/Ago";
import { Empty, Failed, Rows } from "../../components/States";
import { chartOf, LOOK_WORDS } from "../../model/timeline";
import { keysOf } from "../../model/words";
import { Choice } from "./Choice";
import css from "./Timeline.module.css";
import { TimelineChart } from "./TimelineChart";
import { TimelineTable } from "./TimelineTable";

type View = "chart" | "table";
const VIEWS = [
  ["chart", "Chart"],
  ["table", "Table"],
] as const;

export function TimelineTab({ task }: { task: TaskDetail }) {
  const query = useQuery(timelineQuery(task.id));
  const [view, setView] = useState<View>("chart");
  const now = useNow();
  const chart = useMemo(
    // The clocks of the server and of this machine may differ.
    () => query.data && chartOf(query.data, Math.max(now, Date.parse(query.data.now))),
    [query.data, now],
  );
  if (query.isPending) return <Rows count={5} height={34} />;
  if (!chart) return <Failed error={query.error} retry={() => void query.refetch()} />;
  if (chart.lanes.every((lane) => lane.bars.length === 0)) {
    return <Empty title="Nothing happened yet">Work appears here as soon as the task is started.</Empty>;
  }
  const looks = new Set(chart.lanes.flatMap((lane) => lane.bars.map((bar) => bar.look)));
  return (
    <>
      <Stack
        direction="row"
        sx={{ justifyContent: "space-between", alignItems: "flex-end", gap: 2, mb: 1.5, flexWrap: "wrap" }}
      >
        <Stack direction="row" sx={{ gap: 2, rowGap: 0.5, flexWrap: "wrap" }}>
          {keysOf(LOOK_WORDS)
            .filter((look) => view === "chart" && looks.has(look))
            .map((look) => (
              <Stack key={look} direction="row" sx={{ gap: 0.75, alignItems: "center" }}>
                <span className={`${css.swatch} ${css[look]}`} aria-hidden />
                <Typography variant="caption" color="textSecondary">
                  {LOOK_WORDS[look]}
                </Typography>
              </Stack>
            ))}
          {view === "chart" && chart.gaps.length > 0 && (
            <Stack direction="row" sx={{ gap: 0.75, alignItems: "center" }}>
              <span className={`${css.swatch} ${css.cut}`} aria-hidden />
              <Typography variant="caption" color="textSecondary">
                Idle time, drawn shorter
              </Typography>
            </Stack>
          )}
        </Stack>
        <Choice label="Shown as" value={view} options={VIEWS} onChange={setView} />
      </Stack>
      <Box>
        {view === "chart" ? (
          <TimelineChart chart={chart} taskId={task.id} />
        ) : (
          <TimelineTable chart={chart} taskId={task.id} />
        )}
      </Box>
    </>
  );
}
