// The dialogs that change a planned task: its fields, what it is split into, what it is merged with.

import { Checkbox, FormControlLabel } from "@mui/material";
import { useState } from "react";
import type { PlanOperation, PlanTask } from "../../../api/types";
import { Field, FormDialog, SelectField } from "../../../components/FormDialog";
import { changeOf, draftOf, linesOf, type TaskDraft } from "../../../model/plan";

interface Props {
  sending: { isPending: boolean; error: unknown };
  onSend: (operation: PlanOperation) => void;
  onClose: () => void;
}

const EFFORTS = [
  ["", "Not given"],
  ["small", "Small"],
  ["medium", "Medium"],
  ["large", "Large"],
] as const;

export function EditTaskDialog({ task, onSend, ...rest }: Props & { task: PlanTask }) {
  const [draft, setDraft] = useState(() => draftOf(task));
  const set = <Name extends keyof TaskDraft>(name: Name) => ({
    value: draft[name],
    onChange: (value: TaskDraft[Name]) => setDraft((present) => ({ ...present, [name]: value })),
  });
  const change = changeOf(task, draft);
  return (
    <FormDialog
      {...rest}
      title={`Edit task ${task.number}`}
      action="Apply"
      canSend={change !== undefined && draft.title.trim() !== ""}
      onSend={() => change && onSend(change)}
    >
      <Field field="title" label="Title" autoFocus {...set("title")} />
      <Field field="details" label="Details" hint="One line each" multiline minRows={2} {...set("details")} />
      <Field
        field="acceptance"
        label="Acceptance criteria"
        hint="One line each"
        multiline
        {...set("acceptance")}
      />
      <SelectField field="effort" label="Effort" options={EFFORTS} {...set("effort")} />
      <FormControlLabel
        label="Optional"
        control={
          <Checkbox
            checked={draft.optional}
            onChange={(event) => set("optional").onChange(event.target.checked)}
          />
        }
      />
      <Field field="requirements" label="Requirements" hint="Such as 1.1, 2.3" {...set("requirements")} />
      <Field
        field="dependencies"
        label="Depends on"
        hint="The numbers of the tasks, such as 1, 2; none to start at once"
        {...set("dependencies")}
      />
      <Field field="boundary" label="Boundary" hint="The paths it may touch" {...set("boundary")} />
      <Field
        field="resources"
        label="Resources"
        hint="What one session at a time may use, such as simulator"
        {...set("resources")}
      />
    </FormDialog>
  );
}

/** The fields of a task that is made: its title, and the lines below it. */
interface NewDraft {
  title: string;
  details: string;
}

const EMPTY: NewDraft = { title: "", details: "" };

export function SplitTaskDialog({ task, onSend, ...rest }: Props & { task: PlanTask }) {
  const [parts, setParts] = useState<NewDraft[]>([
    { title: task.title, details: task.details.join("\n") },
    EMPTY,
  ]);
  const set = (at: number, part: Partial<NewDraft>) =>
    setParts(parts.map((each, place) => (place === at ? { ...each, ...part } : each)));
  const named = parts.filter((part) => part.title.trim() !== "");
  return (
    <FormDialog
      {...rest}
      title={`Split task ${task.number}`}
      action="Split"
      canSend={named.length > 1}
      onSend={() =>
        onSend({
          op: "split",
          task: task.number,
          parts: named.map(({ title, details }) => ({ title: title.trim(), details: linesOf(details) })),
        })
      }
    >
      {parts.map((part, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a part is its place
        <PartFields key={at} at={at} part={part} onChange={(change) => set(at, change)} />
      ))}
      <FormControlLabel
        label="Split in three"
        control={
          <Checkbox
            checked={parts.length > 2}
            onChange={(event) => setParts(event.target.checked ? [...parts, EMPTY] : parts.slice(0, 2))}
          />
        }
      />
    </FormDialog>
  );
}

function PartFields(props: { at: number; part: NewDraft; onChange: (change: Partial<NewDraft>) => void }) {
  const { at, part, onChange } = props;
  return (
    <>
      <Field
        field={`parts[${at}]`}
        label={`Title ${at + 1}`}
        value={part.title}
        onChange={(title) => onChange({ title })}
      />
      <Field
        field={`details[${at}]`}
        label={`Details ${at + 1}`}
        hint={at === 0 ? "One line each; its subtasks stay with this part" : "One line each"}
        multiline
        value={part.details}
        onChange={(details) => onChange({ details })}
      />
    </>
  );
}

export function MergeTaskDialog(props: Props & { task: PlanTask; tasks: readonly PlanTask[] }) {
  const { task, tasks, onSend, ...rest } = props;
  const others = tasks.filter((each) => each.number !== task.number);
  const [into, setInto] = useState(others[0]?.number ?? "");
  return (
    <FormDialog
      {...rest}
      title={`Merge task ${task.number} into another`}
      action="Merge"
      canSend={into !== ""}
      onSend={() => onSend({ op: "merge", task: task.number, into })}
    >
      <SelectField
        field="into"
        label="Into"
        value={into}
        options={others.map((each) => [each.number, `${each.number} ${each.title}`] as const)}
        onChange={setInto}
      />
    </FormDialog>
  );
}

export function AddTaskDialog({ after, onSend, ...rest }: Props & { after: PlanTask | undefined }) {
  const [draft, setDraft] = useState(EMPTY);
  return (
    <FormDialog
      {...rest}
      title={after ? `Add a task after ${after.number}` : "Add a task"}
      action="Add"
      canSend={draft.title.trim() !== ""}
      onSend={() =>
        onSend({
          op: "add",
          title: draft.title.trim(),
          details: linesOf(draft.details),
          ...(after && { after: after.number }),
        })
      }
    >
      <Field
        field="title"
        label="Title"
        autoFocus
        value={draft.title}
        onChange={(title) => setDraft({ ...draft, title })}
      />
      <Field
        field="details"
        label="Details"
        hint="One line each"
        multiline
        minRows={2}
        value={draft.details}
        onChange={(details) => setDraft({ ...draft, details })}
      />
    </FormDialog>
  );
}
