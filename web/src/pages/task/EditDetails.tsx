// The details of a task while a person edits them, in their place.

import { Box, Button, MenuItem, Stack, TextField } from "@mui/material";
import type { FormEvent } from "react";
import { useTaskAction } from "../../api/actions";
import { ApiError } from "../../api/client";
import type { TaskDetail } from "../../api/types";
import { ActionButton } from "../../components/Action";
import { ActionError } from "../../components/States";
import { useDraft } from "../../model/drafts";
import { PRIORITIES, words } from "../../model/status";
import { oneOf } from "../../model/words";
import { DependsOn } from "./DependsOn";

const shown = (task: TaskDetail) => ({
  name: task.name,
  description: task.description,
  priority: task.priority,
  labels: task.labels.join(", "),
  dependsOn: task.depends_on,
  cost: task.budget?.max_cost_usd?.toString() ?? "",
  tokens: task.budget?.max_tokens?.toString() ?? "",
});

export function EditDetails({ task, onClose }: { task: TaskDetail; onClose: () => void }) {
  const edit = useTaskAction(task.id);
  const [form, setForm, forget] = useDraft(`details-${task.id}`, shown(task));
  const refused = edit.error instanceof ApiError ? edit.error.fields : {};
  const close = () => {
    forget();
    onClose();
  };
  const save = (event: FormEvent) => {
    event.preventDefault();
    const before = shown(task);
    const hasBudget = form.cost !== before.cost || form.tokens !== before.tokens;
    edit.mutate(
      {
        do: "edit",
        change: {
          name: form.name === before.name ? undefined : form.name.trim(),
          description: form.description === before.description ? undefined : form.description.trim(),
          priority: form.priority === before.priority ? undefined : form.priority,
          labels:
            form.labels === before.labels
              ? undefined
              : form.labels
                  .split(",")
                  .map((label) => label.trim())
                  .filter(Boolean),
          depends_on: sameIds(form.dependsOn, before.dependsOn) ? undefined : form.dependsOn,
          budget: hasBudget
            ? { max_cost_usd: numberOf(form.cost), max_tokens: numberOf(form.tokens) }
            : undefined,
        },
      },
      { onSuccess: close },
    );
  };
  const field = (name: Exclude<keyof typeof form, "dependsOn">, label: string, sent: string = name) => ({
    label,
    value: form[name],
    error: sent in refused,
    helperText: refused[sent],
    onChange: (event: { target: { value: string } }) => setForm({ ...form, [name]: event.target.value }),
  });
  return (
    <Box component="form" aria-label="Edit details" onSubmit={save}>
      <Stack sx={{ gap: 1.75, pt: 0.5 }}>
        <TextField {...field("name", "Name")} autoFocus multiline maxRows={4} />
        <TextField {...field("description", "Description")} multiline minRows={2} maxRows={10} />
        <TextField
          {...field("priority", "Priority")}
          select
          onChange={(event) =>
            setForm({ ...form, priority: oneOf(PRIORITIES, event.target.value) ?? form.priority })
          }
        >
          {PRIORITIES.map((each) => (
            <MenuItem key={each} value={each}>
              {words(each)}
            </MenuItem>
          ))}
        </TextField>
        <TextField {...field("labels", "Labels")} placeholder="frontend, urgent" />
        <DependsOn
          task={task.id}
          value={form.dependsOn}
          error={refused.depends_on}
          onChange={(dependsOn) => setForm({ ...form, dependsOn })}
        />
        <Stack direction="row" sx={{ gap: 1 }}>
          <TextField
            {...field("cost", "Max. cost (USD)", "budget.max_cost_usd")}
            type="number"
            slotProps={{ htmlInput: { min: 0, step: "any" } }}
          />
          <TextField
            {...field("tokens", "Max. tokens", "budget.max_tokens")}
            type="number"
            slotProps={{ htmlInput: { min: 0, step: 1 } }}
          />
        </Stack>
        {Object.keys(refused).length === 0 && <ActionError error={edit.error} />}
        <Stack direction="row" sx={{ gap: 1 }}>
          <ActionButton
            type="submit"
            variant="contained"
            disabled={!form.name.trim()}
            loading={edit.isPending}
          >
            Save
          </ActionButton>
          <Button color="inherit" onClick={close}>
            Cancel
          </Button>
        </Stack>
      </Stack>
    </Box>
  );
}

function sameIds(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((id) => b.includes(id));
}

function numberOf(text: string): number | null {
  return text.trim() === "" ? null : Number(text);
}
