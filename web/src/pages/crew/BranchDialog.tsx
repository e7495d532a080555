// Forks a session: both continue until a person chooses.

import { MenuItem } from "@mui/material";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { useAddSession } from "../../api/actions";
import { useOnce } from "../../api/once";
import { logQuery } from "../../api/queries";
import type { WorkSession } from "../../api/types";
import { Field, FormDialog } from "../../components/FormDialog";
import { endedTurns, Transcript } from "../../model/transcript";
import { Preview } from "./Preview";
import { SessionWords } from "./SessionWords";

export function BranchDialog({ session, onClose }: { session: WorkSession; onClose: () => void }) {
  const log = useQuery(logQuery(useQueryClient(), session.id)).data;
  const turns = useMemo(() => (log ? endedTurns(new Transcript().read(log.entries)) : []), [log]);
  const [turn, setTurn] = useState("");
  const [name, setName] = useState("");
  const [prompt, setPrompt] = useState("");
  const add = useAddSession(session.spec_task_id);
  const keyOf = useOnce(add);
  const navigate = useNavigate();

  const send = () => {
    const body = { name: name.trim(), prompt: prompt.trim(), ...(turn ? { from_turn: turn } : {}) };
    add.mutate(
      { do: "branch", parent: session.id, key: keyOf(body), body },
      {
        onSuccess: ({ work_session: { id, spec_task_id } }) => {
          onClose();
          void navigate({
            to: "/tasks/$taskId/sessions/$sessionId",
            params: { taskId: spec_task_id, sessionId: id },
          });
        },
      },
    );
  };

  return (
    <FormDialog
      title="Fork session"
      action="Fork session"
      canSend={name.trim() !== "" && prompt.trim() !== ""}
      sending={add}
      onSend={send}
      onClose={onClose}
    >
      <Field
        field="from_turn"
        select
        label="Fork after"
        value={turn}
        onChange={setTurn}
        slotProps={{ select: { displayEmpty: true }, inputLabel: { shrink: true } }}
      >
        <MenuItem value="">The last completed turn</MenuItem>
        {turns.map(({ id, label }) => (
          <MenuItem key={id} value={id}>
            {label}
          </MenuItem>
        ))}
      </Field>
      <SessionWords
        name={{ label: "Name of the fork", value: name, onChange: setName }}
        work={{
          field: "prompt",
          label: "What the fork should do differently",
          value: prompt,
          onChange: setPrompt,
        }}
      />
      <Preview
        lines={[
          `It begins at the commit at the end of that turn, and gets the conversation of “${session.name}” up to there.`,
          "Neither is merged until a person chooses one; the other's work is kept in git.",
        ]}
      />
    </FormDialog>
  );
}
