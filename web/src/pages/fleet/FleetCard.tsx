// One agent at work: what it has done, faded; what it does, highlighted; what comes next.

import { Box, Stack, Typography } from "@mui/material";
import { memo } from "react";
import type { FleetAgent, FleetItem } from "../../api/types";
import { Ago, Since } from "../../components/Ago";
import { Glyph } from "../../components/Glyph";
import { Inline } from "../../components/Inline";
import { LinkBox } from "../../components/links";
import { ProgressBar } from "../../components/ProgressBar";
import { words } from "../../model/status";

export const FleetCard = memo(function FleetCard({ agent }: { agent: FleetAgent }) {
  const [next, ...later] = agent.tasks_after;
  return (
    <LinkBox
      role="listitem"
      to="/tasks/$taskId"
      params={{ taskId: agent.task_id }}
      search={{ tab: "sessions", session: agent.work_session_id }}
      aria-label={`${agent.session_name}, of ${agent.task_name}`}
      sx={{
        display: "flex",
        flexDirection: "column",
        color: "inherit",
        textDecoration: "none",
        bgcolor: "background.paper",
        border: 1,
        borderColor: "divider",
        borderRadius: 1.25,
        overflow: "hidden",
        transition: "border-color .15s",
        "&:hover": { borderColor: "text.disabled" },
        "&:focus-visible": { outline: "2px solid var(--mui-palette-primary-main)", outlineOffset: 2 },
      }}
    >
      <Box sx={{ px: 2, pt: 1.75, pb: 1.25 }}>
        <Typography
          variant="h3"
          component="h2"
          title={agent.task_name}
          sx={{ display: "-webkit-box", WebkitLineClamp: 2, WebkitBoxOrient: "vertical", overflow: "hidden" }}
        >
          {agent.task_name}
        </Typography>
        <Stack direction="row" sx={{ gap: 1.5, justifyContent: "space-between", alignItems: "baseline" }}>
          <Typography variant="body2" noWrap title={agent.session_name}>
            {agent.session_name}
          </Typography>
          <Typography variant="caption" color="textSecondary" sx={{ flexShrink: 0 }}>
            {agent.agent_id}
          </Typography>
        </Stack>
      </Box>
      <Stack
        component="ol"
        sx={{ listStyle: "none", m: 0, px: 1, py: 0.75, flex: 1, gap: "1px", minHeight: 168 }}
      >
        {agent.tasks_before.map((item) => (
          <Item key={item.index} item={item} place="before" />
        ))}
        {agent.current_task && <Item item={agent.current_task} place="current" />}
        {!agent.current_task && agent.task_list.length > 0 && <Item item={FINISHING} place="current" />}
        {next && <Item item={next} place="next" />}
        {later.map((item) => (
          <Item key={item.index} item={item} place="later" />
        ))}
        {agent.task_list.length === 0 && (
          <Typography variant="body2" color="textSecondary" sx={{ px: 1, py: 1 }}>
            {agent.phase === "planning" ? "Writing the specification." : "Working without a checklist."}
          </Typography>
        )}
      </Stack>
      <Stack
        direction="row"
        sx={{
          alignItems: "center",
          gap: 1.5,
          px: 2,
          py: 1.25,
          borderTop: 1,
          borderColor: "divider",
          bgcolor: "sunken",
        }}
      >
        <Typography variant="caption" color="textSecondary">
          {words(agent.phase)}
        </Typography>
        <ProgressBar value={agent.progress} label={`Progress of ${agent.session_name}`} />
        <Typography variant="caption" color="textSecondary" sx={{ whiteSpace: "nowrap" }}>
          <Ago at={agent.last_update} />
        </Typography>
      </Stack>
    </LinkBox>
  );
});

/** What an agent does whose list is done while its session is not. */
const FINISHING: FleetItem = {
  index: -1,
  number: null,
  description: "Finishing the session",
  status: "in_progress",
  started_at: null,
};

type Place = "before" | "current" | "next" | "later";
const FADE: Record<Place, number> = { before: 0.5, current: 1, next: 1, later: 0.58 };

function Item({ item, place }: { item: FleetItem; place: Place }) {
  const isCurrent = place === "current";
  const tone = item.status === "completed" ? "done" : isCurrent ? "working" : "waiting";
  return (
    <Box
      component="li"
      aria-current={isCurrent ? "step" : undefined}
      sx={{
        display: "flex",
        alignItems: "baseline",
        gap: 1.125,
        px: 1,
        py: isCurrent ? 0.875 : 0.5,
        my: isCurrent ? 0.375 : 0,
        borderRadius: isCurrent ? "3px 6px 6px 3px" : 0.75,
        opacity: FADE[place],
        transition: "opacity .4s, background-color .4s",
        backgroundColor: isCurrent
          ? "color-mix(in srgb, var(--mui-palette-info-main) 11%, transparent)"
          : "transparent",
        boxShadow: isCurrent ? "inset 2.5px 0 0 var(--mui-palette-info-main)" : "none",
      }}
    >
      <Box component="span" sx={{ alignSelf: "center", display: "flex" }}>
        <Glyph tone={tone} size={13} />
      </Box>
      <Typography
        variant="body2"
        component="span"
        sx={{
          flex: 1,
          minWidth: 0,
          fontSize: "0.8438rem",
          fontWeight: isCurrent ? 600 : 400,
          ...(isCurrent
            ? { overflowWrap: "anywhere" }
            : { overflow: "hidden", textOverflow: "ellipsis", whiteSpace: "nowrap" }),
        }}
      >
        {item.number && (
          <Box
            component="span"
            sx={{ color: "text.secondary", fontVariantNumeric: "tabular-nums", mr: 0.75, fontWeight: 500 }}
          >
            {item.number}
          </Box>
        )}
        <Inline text={item.description} />
      </Typography>
      {isCurrent && item.started_at && (
        <Typography variant="caption" color="textSecondary" sx={{ whiteSpace: "nowrap" }}>
          <Since at={item.started_at} />
        </Typography>
      )}
    </Box>
  );
}
