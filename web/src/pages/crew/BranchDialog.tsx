// A session goes on as two, each in its own way, until a person chooses.

import {
  Box,
  Button,
  Dialog,
  DialogActions,
  DialogContent,
  DialogTitle,
  MenuItem,
  Stack,
  TextField,
  useMediaQuery,
} from "@mui/material";
import { useTheme } from "@mui/material/styles";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useMemo, useState } from "react";
import { useAddSession } from "../../api/actions";
import { ApiError, newKey } from "../../api/client";
import { logQuery } from "../../api/queries";
import type { WorkSession } from "../../api/types";
import { ActionError } from "../../components/States";
import { endedTurns, Transcript } from "../../model/transcript";
import { Preview } from "./Preview";

export function BranchDialog({ session, onClose }: { session: WorkSession; onClose: () => void }) {
  const isNarrow = useMediaQuery(useTheme().breakpoints.down("sm"));
  const log = useQuery(logQuery(useQueryClient(), session.id)).data;
  const turns = useMemo(() => (log ? endedTurns(new Transcript().read(log.entries)) : []), [log]);
  const [turn, setTurn] = useState("");
  const [name, setName] = useState("");
  const [prompt, setPrompt] = useState("");
  const [key, setKey] = useState(newKey);
  const add = useAddSession(session.spec_task_id);
  const navigate = useNavigate();
  const fields = add.error instanceof ApiError ? add.error.fields : {};

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (add.isPending) return;
    const body = { name: name.trim(), prompt: prompt.trim(), ...(turn ? { from_turn: turn } : {}) };
    add.mutate(
      { do: "branch", parent: session.id, key, body },
      {
        onSuccess: ({ work_session: { id, spec_task_id } }) => {
          onClose();
          void navigate({
            to: "/tasks/$taskId/sessions/$sessionId",
            params: { taskId: spec_task_id, sessionId: id },
          });
        },
        onError: () => setKey(newKey()),
      },
    );
  };

  return (
    <Dialog
      open
      onClose={onClose}
      maxWidth="sm"
      fullWidth
      fullScreen={isNarrow}
      slotProps={{ paper: { component: "form", onSubmit: submit } }}
    >
      <DialogTitle>Continue as two</DialogTitle>
      <DialogContent>
        <Stack sx={{ gap: 2, pt: 1 }}>
          <TextField
            select
            label="Goes on after"
            value={turn}
            onChange={(event) => setTurn(event.target.value)}
            error={Boolean(fields.from_turn)}
            helperText={fields.from_turn}
            slotProps={{ select: { displayEmpty: true }, inputLabel: { shrink: true } }}
          >
            <MenuItem value="">The last turn that ended</MenuItem>
            {turns.map(({ id, label }) => (
              <MenuItem key={id} value={id}>
                {label}
              </MenuItem>
            ))}
          </TextField>
          <TextField
            autoFocus
            label="Name of the other one"
            value={name}
            onChange={(event) => setName(event.target.value)}
            error={Boolean(fields.name)}
            helperText={fields.name}
            slotProps={{ htmlInput: { maxLength: 200 } }}
          />
          <TextField
            label="What it is to do differently"
            multiline
            minRows={3}
            maxRows={10}
            value={prompt}
            onChange={(event) => setPrompt(event.target.value)}
            error={Boolean(fields.prompt)}
            helperText={fields.prompt}
          />
          <Preview
            lines={[
              `It begins at the commit at the end of that turn, and is told what “${session.name}” said until then.`,
              "Neither is merged until a person chooses one; the other's work is kept in git.",
            ]}
          />
        </Stack>
      </DialogContent>
      {add.error && Object.keys(fields).length === 0 && (
        <Box sx={{ px: 3, pt: 1 }}>
          <ActionError error={add.error} />
        </Box>
      )}
      <DialogActions>
        <Button color="inherit" onClick={onClose}>
          Cancel
        </Button>
        <Button
          type="submit"
          variant="contained"
          loading={add.isPending}
          disabled={!name.trim() || !prompt.trim()}
        >
          Continue as two
        </Button>
      </DialogActions>
    </Dialog>
  );
}
