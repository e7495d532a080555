// A further thread in a task, beside those there are.

import AddRounded from "@mui/icons-material/AddRounded";
import { useMediaQuery } from "@mui/material";
import { useTheme } from "@mui/material/styles";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useOpenSession } from "../../api/actions";
import { useOnce } from "../../api/once";
import type { TaskDetail } from "../../api/types";
import { ActionButton, ActionIconButton } from "../../components/Action";
import { FormDialog } from "../../components/FormDialog";
import { SessionWords } from "../crew/SessionWords";

export function AddSession({ task }: { task: TaskDetail }) {
  const [isOpen, setOpen] = useState(false);
  const isNarrow = useMediaQuery(useTheme().breakpoints.down("sm"));
  return (
    <>
      {isNarrow ? (
        <ActionIconButton aria-label="Add a session" onClick={() => setOpen(true)}>
          <AddRounded />
        </ActionIconButton>
      ) : (
        <ActionButton
          variant="outlined"
          color="inherit"
          startIcon={<AddRounded />}
          onClick={() => setOpen(true)}
        >
          Add a session
        </ActionButton>
      )}
      {isOpen && <AddDialog task={task} onClose={() => setOpen(false)} />}
    </>
  );
}

function AddDialog({ task, onClose }: { task: TaskDetail; onClose: () => void }) {
  const navigate = useNavigate({ from: "/tasks/$taskId" });
  const add = useOpenSession(task.id);
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  const keyOf = useOnce(add);

  const send = () => {
    const body = { name: name.trim(), description: description.trim() || undefined };
    add.mutate(
      { ...body, key: keyOf(body) },
      {
        onSuccess: (session) => {
          onClose();
          void navigate({ search: { tab: "sessions", session: session.id } });
        },
      },
    );
  };

  return (
    <FormDialog
      title="Add a session"
      action="Add it"
      canSend={name.trim() !== ""}
      sending={add}
      onSend={send}
      onClose={onClose}
    >
      <SessionWords
        name={{
          label: "Name",
          hint: "A thread of its own, in a worktree of its own",
          placeholder: "Look into the slow start",
          value: name,
          onChange: setName,
        }}
        work={{
          field: "description",
          label: "What is it to do?",
          hint: "Without it, what the name says",
          value: description,
          onChange: setDescription,
        }}
      />
    </FormDialog>
  );
}
