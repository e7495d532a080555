// The plan while a person edits it task by task: a list and a graph. Each change is tried on the server, which answers
// with the plan as it would be and its findings; saving makes one version of the documents.

import {
  type Announcements,
  closestCenter,
  DndContext,
  type DragEndEvent,
  KeyboardSensor,
  PointerSensor,
  useSensor,
  useSensors,
} from "@dnd-kit/core";
import {
  arrayMove,
  SortableContext,
  sortableKeyboardCoordinates,
  verticalListSortingStrategy,
} from "@dnd-kit/sortable";
import { Alert, Box, Button, Stack, Typography } from "@mui/material";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { useEditPlan } from "../../../api/actions";
import { ApiError } from "../../../api/client";
import { planQuery } from "../../../api/queries";
import type { EditedPlan, PlanOperation, PlanTask, TaskDetail } from "../../../api/types";
import { ActionButton } from "../../../components/Action";
import { ActionError, Failed, Paragraphs } from "../../../components/States";
import { planDraft, useDraft } from "../../../model/drafts";
import {
  misfit,
  moveOf,
  type NamedTasks,
  namedTasks,
  outcomeOf,
  placeAfter,
  placeBefore,
  position,
  taskName,
} from "../../../model/plan";
import { Findings } from "../Findings";
import { ChangedPlan } from "./ChangedPlan";
import { PlanGraph } from "./PlanGraph";
import { PlanTaskRow, type TaskAction } from "./PlanTaskRow";
import { AddTaskDialog, EditTaskDialog, MergeTaskDialog, SplitTaskDialog } from "./TaskDialogs";

interface Props {
  task: TaskDetail;
  /** Whether a person just opened it, so that it has the focus. */
  takesFocus: boolean;
  /** Shows a place of the documents. */
  onShow: Parameters<typeof Findings>[0]["onShow"];
  onClose: (undo?: { commit: string }) => void;
}

/** A change that is not saved, with the plan that it makes. */
interface Step {
  operation: PlanOperation;
  /** The tasks that the operation names, as they were before it. */
  named: NamedTasks;
  plan: EditedPlan;
}

interface Draft {
  /** The hash of the plan that the changes are changes of: a newer one does not replace it while a person edits. */
  base: string | null;
  steps: Step[];
}

const NO_CHANGES: Draft = { base: null, steps: [] };

const INSTRUCTIONS = {
  draggable:
    "Press Space to pick up the task, the arrow keys to move it, Space to drop it, Escape to cancel.",
};

export default function PlanEditor({ task, takesFocus, onShow, onClose }: Props) {
  const query = useQuery(planQuery(task.id));
  const edit = useEditPlan(task.id);
  const [{ base, steps }, setDraft, forgetDraft] = useDraft(planDraft(task.id), NO_CHANGES);
  const [open, setOpen] = useState<{ action: TaskAction; task: PlanTask; hash: string } | null>(null);
  // The order in which the tasks are shown while a move is tried.
  const [moved, setMoved] = useState<PlanTask[] | null>(null);
  const [said, say] = useState("");
  const { list, focus } = useRowFocus();
  const { isNew, look } = useNewVersion(query.data?.hash);
  const isRead = query.data !== undefined;
  useEffect(() => {
    if (takesFocus && isRead) list.current?.focus();
  }, [takesFocus, isRead, list]);
  const sensors = useSensors(
    useSensor(PointerSensor),
    useSensor(KeyboardSensor, { coordinateGetter: sortableKeyboardCoordinates }),
  );
  const end = (undo?: { commit: string }) => {
    forgetDraft();
    onClose(undo);
  };
  const read = query.data;
  const repeat = useMutation({
    mutationFn: async ({ hash, tasks }: Pick<EditedPlan, "hash" | "tasks">): Promise<Draft> => {
      const kept: Step[] = [];
      for (const { operation, named } of steps) {
        const number = misfit(operation, named, kept.at(-1)?.plan.tasks ?? tasks);
        if (number !== undefined) throw new Error(misfitOf(number));
        const operations = [...kept.map((step) => step.operation), operation];
        const plan = await edit.mutateAsync({ expected_hash: hash, operations, dry_run: true });
        kept.push({ operation, named, plan });
      }
      return { base: hash, steps: kept };
    },
    onSuccess: (draft) => {
      setDraft(draft);
      look();
      say("Your edits are repeated on the new plan. They are not saved yet.");
      list.current?.focus();
    },
  });
  if (query.isError && !read) return <Failed error={query.error} retry={() => void query.refetch()} />;
  if (!read) return <Paragraphs lines={8} />;
  if (read.not_editable !== null) {
    return (
      <Stack sx={{ gap: 1, alignItems: "flex-start" }}>
        <Typography variant="body2">{read.not_editable}</Typography>
        <Button color="inherit" variant="outlined" onClick={() => end()}>
          Close
        </Button>
      </Stack>
    );
  }
  const hash = base ?? read.hash;
  const plan = steps.at(-1)?.plan ?? read;
  const shown = moved ?? plan.tasks;
  const operations = steps.map((step) => step.operation);
  const isBusy = edit.isPending || repeat.isPending;
  // While it is saved the plan becomes another one by that.
  const isOutdated = steps.length > 0 && read.hash !== hash && (!edit.isPending || repeat.isPending);
  const placeOf = (number: unknown) => plan.tasks.findIndex((each) => each.number === number);

  const apply = (operation: PlanOperation, expected = hash) =>
    edit.mutate(
      { expected_hash: expected, operations: [...operations, operation], dry_run: true },
      {
        onSuccess: (made) => {
          const named = namedTasks(operation, plan.tasks);
          setDraft({ base: expected, steps: [...steps, { operation, named, plan: made }] });
          setOpen(null);
          say(outcomeOf(operation, plan.tasks, made.tasks.length));
          const at = placeAfter(operation, plan.tasks, made.tasks.length);
          focus(at, operation.op === "move" ? "move" : "menu");
        },
        onError: (error) => {
          if (error instanceof ApiError && error.code === "plan_moved_on") void query.refetch();
          if (operation.op === "move") focus(placeBefore(operation, plan.tasks), "move");
        },
        onSettled: () => setMoved(null),
      },
    );
  const act = (action: TaskAction, chosen: PlanTask) => {
    edit.reset();
    if (action === "remove") apply({ op: "remove", task: chosen.number });
    else setOpen({ action, task: chosen, hash });
  };
  const close = () => {
    if (open) focus(placeOf(open.task.number), "menu");
    setOpen(null);
  };
  const onDragEnd = ({ active, over }: DragEndEvent) => {
    const [from, to] = [placeOf(active.id), placeOf(over?.id)];
    const move = over && moveOf(plan.tasks, from, to);
    if (!move) return;
    setMoved(arrayMove(plan.tasks, from, to));
    focus(to, "move");
    apply(move);
  };
  const announcements = announcementsOf(plan.tasks);
  const undo = () => {
    const last = steps.at(-1);
    if (!last) return;
    edit.reset();
    const before = (steps.at(-2)?.plan ?? read).tasks;
    setDraft(steps.length === 1 ? NO_CHANGES : { base, steps: steps.slice(0, -1) });
    say(`Undone: ${outcomeOf(last.operation, before, last.plan.tasks.length)}`);
    // The button keeps the focus as long as there is more to undo.
    if (steps.length === 1) focus(placeBefore(last.operation, before), "menu");
  };
  const save = () =>
    edit.mutate(
      { expected_hash: hash, operations, dry_run: false },
      {
        onSuccess: (saved) => end({ commit: saved.commit }),
        onError: (error) => {
          if (error instanceof ApiError && error.code === "plan_moved_on") void query.refetch();
        },
      },
    );
  const load = () => {
    edit.reset();
    repeat.reset();
    forgetDraft();
    look();
    say("This is the new plan.");
    list.current?.focus();
  };
  const dialog = {
    sending: edit,
    onSend: (operation: PlanOperation) => apply(operation, open?.hash),
    onClose: close,
  };

  return (
    <Box>
      {isOutdated && (
        <ChangedPlan
          edits={steps.length}
          repeating={repeat}
          onLoad={load}
          onKeep={() => {
            edit.reset();
            repeat.mutate(read);
          }}
        />
      )}
      {!isOutdated && isNew && steps.length === 0 && (
        <Alert severity="info" variant="outlined" sx={{ mb: 1.5, py: 0 }} onClose={look}>
          The plan was changed meanwhile. This is the new version.
        </Alert>
      )}
      <PlanGraph tasks={plan.tasks} />
      <DndContext
        sensors={sensors}
        collisionDetection={closestCenter}
        onDragEnd={onDragEnd}
        // The focus follows the task to its new place, when the plan is the new one.
        accessibility={{ announcements, screenReaderInstructions: INSTRUCTIONS, restoreFocus: false }}
      >
        <SortableContext items={shown.map((each) => each.number)} strategy={verticalListSortingStrategy}>
          <Box
            component="ol"
            ref={list}
            tabIndex={-1}
            aria-label="Planned tasks"
            sx={{ listStyle: "none", m: 0, p: 0 }}
          >
            {shown.map((each) => (
              <PlanTaskRow
                key={each.number}
                task={each}
                isOnly={plan.tasks.length === 1}
                isBusy={isBusy || isOutdated}
                onAction={(action) => act(action, each)}
              />
            ))}
          </Box>
        </SortableContext>
      </DndContext>
      {plan.tasks.some((each) => each.subtasks.length > 0) && (
        <Typography variant="caption" component="p" color="textSecondary" sx={{ mt: 1 }}>
          Subtasks move with their task. Edit tasks.md to change them.
        </Typography>
      )}
      <Box sx={{ mt: 2 }}>
        {plan.findings.length > 0 && <Findings findings={plan.findings} onShow={onShow} />}
      </Box>
      {!open && !isOutdated && <ActionError error={edit.error} />}
      {task.spec_approved_at !== null && (
        <Typography variant="caption" color="warning" component="p" sx={{ mt: 1 }}>
          It is approved: with another plan the approval is void, agents stop, and it is reviewed again.
        </Typography>
      )}
      <Typography
        variant="caption"
        component="p"
        role="status"
        aria-label="Last edit"
        color="textSecondary"
        sx={{ mt: 1, minHeight: 20, overflowWrap: "anywhere" }}
      >
        {said}
      </Typography>
      <Stack direction="row" sx={{ gap: 1, mt: 0.5, flexWrap: "wrap" }}>
        <ActionButton
          variant="contained"
          disabled={steps.length === 0}
          unavailable={isOutdated ? "The plan was changed meanwhile; see above." : undefined}
          loading={edit.isPending && !open}
          onClick={save}
        >
          Save plan
        </ActionButton>
        <Button
          variant="outlined"
          color="inherit"
          disabled={steps.length === 0 || isOutdated}
          onClick={() => !isBusy && undo()}
        >
          Undo
        </Button>
        <Button variant="text" color="inherit" onClick={() => end()}>
          {steps.length === 0 ? "Close" : "Discard"}
        </Button>
      </Stack>
      {open?.action === "edit" && <EditTaskDialog task={open.task} {...dialog} />}
      {open?.action === "split" && <SplitTaskDialog task={open.task} {...dialog} />}
      {open?.action === "merge" && <MergeTaskDialog task={open.task} tasks={plan.tasks} {...dialog} />}
      {open?.action === "add" && <AddTaskDialog after={open.task} {...dialog} />}
    </Box>
  );
}

const misfitOf = (number: string) =>
  `Your edits do not fit the new plan: its task ${number} is another one or was changed too. Load the new plan and repeat your edits there.`;

/** Moves the focus to a button of a task by the task's place, once the list is drawn. */
function useRowFocus() {
  const list = useRef<HTMLOListElement>(null);
  const [wanted, setWanted] = useState<{ at: number; part: "move" | "menu" } | null>(null);
  useEffect(() => {
    const row = wanted && list.current?.children[wanted.at];
    row?.querySelector<HTMLElement>(`[data-part=${wanted?.part}]`)?.focus();
  }, [wanted]);
  return { list, focus: (at: number, part: "move" | "menu") => setWanted({ at, part }) };
}

/** Whether the plan is another one than a person has seen here. */
function useNewVersion(hash: string | undefined) {
  const [seen, setSeen] = useState(hash);
  // The first one is seen when it is there.
  if (seen === undefined && hash !== undefined) setSeen(hash);
  return { isNew: seen !== undefined && hash !== seen, look: () => setSeen(hash) };
}

/** The steps of a drag, with the task's title and its place. What it changed is said when the server answered. */
function announcementsOf(tasks: readonly PlanTask[]): Announcements {
  const placeOf = (id: unknown) => tasks.findIndex((each) => each.number === id);
  const named = (id: unknown) => taskName(tasks[placeOf(id)]);
  const place = (id: unknown) => position(placeOf(id), tasks.length);
  return {
    onDragStart: ({ active }) => `${named(active.id)} picked up at ${place(active.id)}.`,
    onDragOver: ({ active, over }) =>
      over ? `${named(active.id)} is at ${place(over.id)}.` : `${named(active.id)} is outside the list.`,
    onDragEnd: ({ active, over }) =>
      over && over.id !== active.id
        ? `${named(active.id)} dropped at ${place(over.id)}.`
        : `${named(active.id)} stays at ${place(active.id)}.`,
    onDragCancel: ({ active }) => `Move cancelled. ${named(active.id)} stays at ${place(active.id)}.`,
  };
}
