// A task's name, its state, and what can be done with it now.

import MoreHorizRounded from "@mui/icons-material/MoreHorizRounded";
import { Box, Divider, IconButton, MenuItem, Stack, Typography } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTaskAction } from "../../api/actions";
import { download } from "../../api/client";
import { projectsQuery } from "../../api/queries";
import type { TaskDetail } from "../../api/types";
import { ActionButton, ActionItem } from "../../components/Action";
import { Confirm } from "../../components/Confirm";
import { Status } from "../../components/Glyph";
import { TextLink } from "../../components/links";
import { PageMenu } from "../../components/PageMenu";
import { useAsking } from "../../components/Permissions";
import { PriorityMark } from "../../components/PriorityMark";
import { ActionError } from "../../components/States";
import { hasFailed, isLive, isPaused, taskState, words } from "../../model/status";
import { NO_PRINT } from "../../theme";
import { RevertDialog } from "./RevertDialog";

export function Header({ task }: { task: TaskDetail }) {
  const project = useQuery(projectsQuery).data?.find((each) => each.id === task.project_id);
  const action = useTaskAction(task.id);
  const [isCancelling, setCancelling] = useState(false);
  const [isReverting, setReverting] = useState(false);
  const status = taskState(task, useAsking().tasks.has(task.id));

  return (
    <Box component="header">
      <Typography variant="caption" color="textSecondary" component="p" sx={{ mb: 0.75 }}>
        <TextLink to="/tasks" color="inherit" underline="hover">
          Tasks
        </TextLink>
        {project && (
          <>
            {" / "}
            <TextLink to="/tasks" search={{ project: project.id }} color="inherit" underline="hover">
              {project.name}
            </TextLink>
          </>
        )}
        {" / "}
        {task.short_id}
      </Typography>
      <Stack
        direction={{ xs: "column", sm: "row" }}
        sx={{ gap: 2, alignItems: { sm: "flex-start" }, justifyContent: "space-between" }}
      >
        <Box sx={{ minWidth: 0 }}>
          <Typography variant="h1" dir="auto" sx={{ overflowWrap: "anywhere", textAlign: "left" }}>
            {task.name}
          </Typography>
          <Stack direction="row" sx={{ alignItems: "center", gap: 1.5, mt: 0.75, flexWrap: "wrap" }}>
            <Status tone={status.tone} label={status.label} strong />
            <PriorityMark priority={task.priority} />
            <Typography variant="caption" color="textSecondary">
              {words(task.type)}
              {task.archived && " · archived"}
              {task.labels.length > 0 && ` · ${task.labels.join(", ")}`}
            </Typography>
          </Stack>
        </Box>
        <Stack direction="row" sx={{ gap: 1, flexShrink: 0, alignItems: "center", ...NO_PRINT }}>
          {isLive(task.status) && (
            <ActionButton variant="outlined" color="inherit" onClick={() => setCancelling(true)}>
              Cancel task
            </ActionButton>
          )}
          {task.status === "backlog" && (
            <ActionButton
              variant="contained"
              loading={action.isPending}
              onClick={() => action.mutate({ do: "start" })}
            >
              Start
            </ActionButton>
          )}
          {task.status === "cancelled" && (
            <ActionButton
              variant="outlined"
              color="inherit"
              loading={action.isPending}
              onClick={() => action.mutate({ do: "reopen" })}
            >
              Reopen
            </ActionButton>
          )}
          {isPaused(task) && (
            <ActionButton
              variant="contained"
              loading={action.isPending}
              onClick={() => action.mutate({ do: "resume" })}
            >
              Resume
            </ActionButton>
          )}
          {hasFailed(task.status) && (
            <ActionButton
              variant="contained"
              loading={action.isPending}
              onClick={() => action.mutate({ do: "retry" })}
            >
              Retry
            </ActionButton>
          )}
          <More
            task={task}
            onArchive={(archived) => action.mutate({ do: "archive", archived })}
            onRevert={() => setReverting(true)}
          />
        </Stack>
      </Stack>
      {!isCancelling && (
        <Box sx={{ mt: action.error ? 1.5 : 0 }}>
          <ActionError error={action.error} />
        </Box>
      )}
      <RevertDialog task={task} open={isReverting} onClose={() => setReverting(false)} />
      <Confirm
        open={isCancelling}
        title="Cancel this task?"
        action="Cancel task"
        keep="Don't cancel"
        busy={action.isPending}
        error={action.error}
        onClose={() => setCancelling(false)}
        onConfirm={() => action.mutate({ do: "cancel" }, { onSuccess: () => setCancelling(false) })}
      >
        Its agents are stopped. Branches, documents and conversations stay, and you can reopen it.
      </Confirm>
    </Box>
  );
}

interface MoreProps {
  task: TaskDetail;
  onArchive: (archived: boolean) => void;
  onRevert: () => void;
}

function More({ task, onArchive, onRevert }: MoreProps) {
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  const close = () => setAnchor(null);
  const path = { id: task.id };
  return (
    <>
      <IconButton aria-label="More" aria-haspopup="menu" onClick={(event) => setAnchor(event.currentTarget)}>
        <MoreHorizRounded />
      </IconButton>
      <PageMenu label="Task actions" anchorEl={anchor} open={anchor !== null} onClose={close}>
        {(["md", "json", "csv"] as const).map((format) => (
          <MenuItem
            key={format}
            component="a"
            href={download("/api/v1/spec-tasks/{id}/report", { path, query: { format } })}
            target="_blank"
            rel="noreferrer"
            onClick={close}
          >
            Download report ({{ md: "Markdown", json: "JSON", csv: "CSV" }[format]})
          </MenuItem>
        ))}
        <MenuItem
          component="a"
          href={download("/api/v1/spec-tasks/{id}/download-documents", { path })}
          download
          onClick={close}
        >
          Download documents
        </MenuItem>
        <Divider />
        {task.status === "done" && task.merge_commit && (
          <ActionItem
            onClick={() => {
              close();
              onRevert();
            }}
          >
            Revert…
          </ActionItem>
        )}
        <ActionItem
          unavailable={
            isLive(task.status) && !task.archived ? "You can archive a task when it has ended." : undefined
          }
          onClick={() => {
            onArchive(!task.archived);
            close();
          }}
        >
          {task.archived ? "Unarchive" : "Archive"}
        </ActionItem>
      </PageMenu>
    </>
  );
}
