// A further thread in a task, beside those there are.

import AddRounded from "@mui/icons-material/AddRounded";
import {
  Button,
  Dialog,
  DialogActions,
  DialogContent,
  DialogTitle,
  IconButton,
  Stack,
  TextField,
  useMediaQuery,
} from "@mui/material";
import { useTheme } from "@mui/material/styles";
import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useRef, useState } from "react";
import { useOpenSession } from "../../api/actions";
import { ApiError, newKey } from "../../api/client";
import type { TaskDetail } from "../../api/types";
import { ActionError } from "../../components/States";

export function AddSession({ task }: { task: TaskDetail }) {
  const [isOpen, setOpen] = useState(false);
  const isNarrow = useMediaQuery(useTheme().breakpoints.down("sm"));
  return (
    <>
      {isNarrow ? (
        <IconButton aria-label="Add a session" onClick={() => setOpen(true)}>
          <AddRounded />
        </IconButton>
      ) : (
        <Button variant="outlined" color="inherit" startIcon={<AddRounded />} onClick={() => setOpen(true)}>
          Add a session
        </Button>
      )}
      <Dialog open={isOpen} onClose={() => setOpen(false)} maxWidth="sm" fullWidth>
        {isOpen && <Form task={task} onClose={() => setOpen(false)} />}
      </Dialog>
    </>
  );
}

function Form({ task, onClose }: { task: TaskDetail; onClose: () => void }) {
  const navigate = useNavigate({ from: "/tasks/$taskId" });
  const add = useOpenSession(task.id);
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  // The same words sent twice add one session.
  const key = useRef({ said: "", key: "" });
  const fields = add.error instanceof ApiError ? add.error.fields : {};

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!name.trim() || add.isPending) return;
    const said = JSON.stringify([name, description]);
    if (key.current.said !== said) key.current = { said, key: newKey() };
    add.mutate(
      { name: name.trim(), description: description.trim() || undefined, key: key.current.key },
      {
        onSuccess: (session) => {
          onClose();
          void navigate({ search: { tab: "sessions", session: session.id } });
        },
      },
    );
  };

  return (
    <form onSubmit={submit}>
      <DialogTitle>Add a session</DialogTitle>
      <DialogContent>
        <Stack sx={{ gap: 2, pt: 1 }}>
          <TextField
            label="Name"
            autoFocus
            value={name}
            onChange={(event) => setName(event.target.value)}
            error={Boolean(fields.name)}
            helperText={fields.name ?? "A thread of its own, in a worktree of its own"}
            placeholder="Look into the slow start"
          />
          <TextField
            label="What is it to do?"
            multiline
            minRows={3}
            maxRows={10}
            value={description}
            onChange={(event) => setDescription(event.target.value)}
            error={Boolean(fields.description)}
            helperText={fields.description ?? "Without it, what the name says"}
          />
          <ActionError error={fields.name || fields.description ? null : add.error} />
        </Stack>
      </DialogContent>
      <DialogActions>
        <Button color="inherit" onClick={onClose}>
          Cancel
        </Button>
        <Button type="submit" variant="contained" disabled={!name.trim()} loading={add.isPending}>
          Add it
        </Button>
      </DialogActions>
    </form>
  );
}
