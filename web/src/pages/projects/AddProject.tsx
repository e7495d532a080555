// The dialog that adds a project: a repository on the server, or one to clone.

import {
  Button,
  Dialog,
  DialogActions,
  DialogContent,
  DialogTitle,
  Stack,
  TextField,
  ToggleButton,
  ToggleButtonGroup,
} from "@mui/material";
import { type FormEvent, useRef, useState } from "react";
import { useAddProject } from "../../api/actions";
import { ApiError, newKey } from "../../api/client";
import { ActionError } from "../../components/States";

type Source = "path" | "url";

export function AddProject({ open, onClose }: { open: boolean; onClose: () => void }) {
  return (
    <Dialog open={open} onClose={onClose} maxWidth="sm" fullWidth>
      {open && <Form onClose={onClose} />}
    </Dialog>
  );
}

function Form({ onClose }: { onClose: () => void }) {
  const add = useAddProject();
  const [source, setSource] = useState<Source>("path");
  const [where, setWhere] = useState("");
  const [name, setName] = useState("");
  const [branch, setBranch] = useState("");
  const key = useRef({ body: "", key: "" });
  const fields = add.error instanceof ApiError ? add.error.fields : {};
  const atWhere = fields.repository_path ?? fields.clone_url;

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!where.trim() || add.isPending) return;
    const project = {
      ...(source === "path" ? { repository_path: where.trim() } : { clone_url: where.trim() }),
      name: name.trim() || undefined,
      default_branch: branch.trim() || undefined,
    };
    const body = JSON.stringify(project);
    if (key.current.body !== body) key.current = { body, key: newKey() };
    add.mutate({ ...project, key: key.current.key }, { onSuccess: onClose });
  };

  return (
    <form onSubmit={submit}>
      <DialogTitle>Add project</DialogTitle>
      <DialogContent>
        <Stack sx={{ gap: 2, pt: 1 }}>
          <ToggleButtonGroup
            exclusive
            size="small"
            value={source}
            onChange={(_, value: Source | null) => value && setSource(value)}
            aria-label="Where the repository is"
          >
            <ToggleButton value="path">On the server</ToggleButton>
            <ToggleButton value="url">Clone from a URL</ToggleButton>
          </ToggleButtonGroup>
          <TextField
            key={source}
            autoFocus
            label={source === "path" ? "Path of the repository" : "Clone URL"}
            placeholder={source === "path" ? "/home/me/src/todo" : "https://example.org/me/todo.git"}
            value={where}
            onChange={(event) => setWhere(event.target.value)}
            error={Boolean(atWhere)}
            helperText={
              atWhere ??
              (source === "path"
                ? "The whole path, on the machine that runs SpecTask."
                : "It is cloned into SpecTask's data directory.")
            }
          />
          <TextField
            label="Name"
            placeholder="As the repository"
            value={name}
            onChange={(event) => setName(event.target.value)}
            slotProps={{ inputLabel: { shrink: true } }}
          />
          <TextField
            label="Base branch"
            placeholder="The one that is checked out"
            value={branch}
            onChange={(event) => setBranch(event.target.value)}
            error={Boolean(fields.default_branch)}
            helperText={fields.default_branch}
            slotProps={{ inputLabel: { shrink: true } }}
          />
          <ActionError error={atWhere || fields.default_branch ? null : add.error} />
        </Stack>
      </DialogContent>
      <DialogActions>
        <Button color="inherit" onClick={onClose}>
          Cancel
        </Button>
        <Button type="submit" variant="contained" disabled={!where.trim()} loading={add.isPending}>
          {source === "url" ? "Clone and add" : "Add"}
        </Button>
      </DialogActions>
    </form>
  );
}
