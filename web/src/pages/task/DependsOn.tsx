// The tasks that a task waits for, chosen by short id or words of the name.

import { Autocomplete, TextField } from "@mui/material";
import { useQueries, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { taskChoicesQuery, taskQuery } from "../../api/queries";
import type { SpecTask } from "../../api/types";
import { usePause } from "../../model/pause";

type Choice = Pick<SpecTask, "id" | "short_id" | "name">;

/** The tasks of some ids, as far as they are known: the same list as long as they are the same. */
export function useTasks(ids: readonly string[]): Choice[] {
  return useQueries({
    queries: ids.map((id) => taskQuery(id)),
    combine: (found) =>
      ids.map((id, at): Choice => {
        const task = found[at]?.data;
        return { id, short_id: task?.short_id ?? id, name: task?.name ?? "" };
      }),
  });
}

interface Props {
  /** The task itself, which cannot be chosen. */
  task: string;
  value: readonly string[];
  error: string | undefined;
  onChange: (ids: string[]) => void;
}

export function DependsOn({ task, value, error, onChange }: Props) {
  const [text, setText] = useState("");
  const chosen = useTasks(value);
  const found = useQuery(taskChoicesQuery(usePause(text, 200)));
  const options: Choice[] = (found.data ?? []).filter(({ id }) => id !== task);
  return (
    <Autocomplete
      multiple
      size="small"
      options={options}
      // What is typed is kept here: a field that keeps it clears it whenever the list of the chosen is another one.
      value={chosen}
      inputValue={text}
      // The server has found them already.
      filterOptions={(all) => all}
      filterSelectedOptions
      loading={found.isPending}
      noOptionsText="No tasks found"
      onChange={(_, tasks) => onChange(tasks.map(({ id }) => id))}
      onInputChange={(_, input) => setText(input)}
      getOptionLabel={labelOf}
      getOptionKey={({ id }) => id}
      isOptionEqualToValue={(a, b) => a.id === b.id}
      slotProps={{ chip: { size: "small", sx: { maxWidth: "100%" } } }}
      renderInput={(props) => (
        <TextField {...props} label="Waits for" error={error !== undefined} helperText={error} />
      )}
    />
  );
}

function labelOf({ short_id, name }: Choice): string {
  return `${short_id} ${name}`.trim();
}
