// A planned task in the list: dragged by its handle with the mouse or the keyboard, changed from its menu.

import { useSortable } from "@dnd-kit/sortable";
import DragIndicator from "@mui/icons-material/DragIndicator";
import MoreVert from "@mui/icons-material/MoreVert";
import { Box, IconButton, Menu, MenuItem, Stack, Typography } from "@mui/material";
import { useState } from "react";
import type { PlanTask } from "../../../api/types";
import { Inline } from "../../../components/Inline";
import { plainName } from "../../../model/hidden";

export type TaskAction = "edit" | "split" | "merge" | "add" | "remove";

const ACTIONS: readonly (readonly [TaskAction, string])[] = [
  ["edit", "Edit"],
  ["split", "Split"],
  ["merge", "Merge into another"],
  ["add", "Add a task below"],
  ["remove", "Remove"],
];

interface Props {
  task: PlanTask;
  /** Whether it is the only one, which is neither merged nor removed. */
  isOnly: boolean;
  isBusy: boolean;
  onAction: (action: TaskAction) => void;
}

export function PlanTaskRow({ task, isOnly, isBusy, onAction }: Props) {
  const { attributes, listeners, setNodeRef, setActivatorNodeRef, transform, transition } = useSortable({
    id: task.number,
    disabled: isBusy,
  });
  const [menu, setMenu] = useState<HTMLElement | null>(null);
  const act = (action: TaskAction) => {
    setMenu(null);
    onAction(action);
  };
  const name = `${task.number} ${task.title}`;
  return (
    <Stack
      component="li"
      ref={setNodeRef}
      direction="row"
      style={{ transform: transform ? `translate3d(0, ${transform.y}px, 0)` : undefined, transition }}
      sx={{
        alignItems: "flex-start",
        gap: 0.5,
        py: 0.5,
        borderBottom: 1,
        borderColor: "divider",
        bgcolor: "background.paper",
      }}
    >
      <IconButton
        ref={setActivatorNodeRef}
        {...attributes}
        {...listeners}
        data-part="move"
        aria-label={`Move task ${name}`}
        size="small"
        sx={{ cursor: "grab", touchAction: "none", color: "text.secondary" }}
      >
        <DragIndicator fontSize="small" />
      </IconButton>
      <Box sx={{ flex: 1, minWidth: 0, pt: 0.5 }}>
        <Typography variant="body2" component="p" sx={{ overflowWrap: "anywhere" }}>
          <Box component="span" sx={{ color: "text.secondary" }}>
            {task.number}
          </Box>{" "}
          <bdi>
            <Inline text={task.title} />
          </bdi>
        </Typography>
        <Typography variant="caption" component="p" color="textSecondary" sx={{ overflowWrap: "anywhere" }}>
          {factsOf(task).join(" · ")}
        </Typography>
        {task.subtasks.length > 0 && <Subtasks task={task} />}
      </Box>
      <IconButton
        data-part="menu"
        aria-label={`Change task ${name}`}
        aria-haspopup="menu"
        size="small"
        // It keeps the focus while the server answers.
        aria-disabled={isBusy || undefined}
        onClick={(event) => !isBusy && setMenu(event.currentTarget)}
        sx={{ color: isBusy ? "text.disabled" : "text.secondary" }}
      >
        <MoreVert fontSize="small" />
      </IconButton>
      <Menu anchorEl={menu} open={menu !== null} onClose={() => setMenu(null)}>
        {ACTIONS.filter(([action]) => !isOnly || (action !== "merge" && action !== "remove")).map(
          ([action, label]) => (
            <MenuItem key={action} onClick={() => act(action)}>
              {label}
            </MenuItem>
          ),
        )}
      </Menu>
    </Stack>
  );
}

/** The parts of a task, which are read here and edited in the document. */
function Subtasks({ task }: { task: PlanTask }) {
  return (
    <Box
      component="ul"
      aria-label={`Subtasks of task ${task.number}`}
      sx={{ m: 0, mt: 0.5, pl: 1.5, listStyle: "none", borderLeft: 2, borderColor: "divider" }}
    >
      {task.subtasks.map((each, at) => (
        <Typography
          // biome-ignore lint/suspicious/noArrayIndexKey: not every subtask has a number
          key={at}
          component="li"
          variant="caption"
          sx={{ display: "block", py: 0.125, overflowWrap: "anywhere" }}
        >
          {each.number && (
            <Box component="span" sx={{ color: "text.secondary" }}>
              {each.number}{" "}
            </Box>
          )}
          <bdi>
            <Inline text={each.title} />
          </bdi>
          {each.optional && (
            <Box component="span" sx={{ color: "text.secondary" }}>
              {" "}
              · optional
            </Box>
          )}
        </Typography>
      ))}
    </Box>
  );
}

/** What a task says, in short. */
function factsOf(task: PlanTask): string[] {
  return [
    task.done ? "done" : "",
    task.optional ? "optional" : "",
    task.effort ?? "",
    task.dependencies.length > 0 ? `after ${task.dependencies.join(", ")}` : "",
    task.requirements.length > 0 ? `cites ${task.requirements.join(", ")}` : "",
    task.boundary.length > 0 ? `within ${task.boundary.map(plainName).join(", ")}` : "",
    task.resources.length > 0 ? `needs ${task.resources.join(", ")}` : "",
  ].filter(Boolean);
}
