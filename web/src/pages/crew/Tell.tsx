// A person tells the crew something.

import { Box, Button, MenuItem, Stack, TextField, Typography } from "@mui/material";
import { type FormEvent, useState } from "react";
import { useTell } from "../../api/actions";
import { ApiError } from "../../api/client";
import { useOnce } from "../../api/once";
import type { CoordinationEvent, CoordinationKind, TaskDetail, WorkSession } from "../../api/types";
import { ActionButton } from "../../components/Action";
import { ActionError } from "../../components/States";
import { KINDS } from "../../model/coordination";
import { useDraft } from "../../model/drafts";
import { isLive, sessionStatus } from "../../model/status";
import { oneOf } from "../../model/words";

/** The kinds of messages of a person; the rest is for sessions and SpecTask itself. */
const SAID: CoordinationKind[] = ["notification", "request", "blocking", "handoff"];
const ENDED = ["completed", "failed", "cancelled"];

function listenersOf(task: TaskDetail): WorkSession[] {
  return task.work_sessions.filter((session) => !ENDED.includes(session.status));
}

/** Whether a session can receive messages. */
export function canTell(task: TaskDetail): boolean {
  return isLive(task.status) && listenersOf(task).length > 0;
}

interface Props {
  task: TaskDetail;
  /** The request that is answered. */
  answers: CoordinationEvent | null;
  onDone: () => void;
}

export function Tell({ task, answers, onDone }: Props) {
  const [to, setTo] = useState(answers?.from_session_id ?? "");
  const [kind, setKind] = useState<CoordinationKind>("notification");
  const [message, setMessage, forgetMessage] = useDraft(`tell-${answers?.id ?? task.id}`, "");
  const tell = useTell(task.id);
  const keyOf = useOnce(tell);
  const fields = tell.error instanceof ApiError ? tell.error.fields : {};
  const listeners = listenersOf(task);

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!message.trim() || tell.isPending) return;
    const body = {
      event_type: answers ? "response" : to ? kind : kind === "notification" ? "broadcast" : kind,
      message: message.trim(),
      to_session_id: to || undefined,
      data: answers ? { request_id: answers.id } : undefined,
    };
    tell.mutate(
      { ...body, key: keyOf(body) },
      {
        onSuccess: () => {
          forgetMessage();
          onDone();
        },
      },
    );
  };

  return (
    <Box
      component="form"
      onSubmit={submit}
      aria-label={answers ? "Answer a request" : "Message the crew"}
      sx={{ border: 1, borderColor: "divider", borderRadius: 1.25, p: 1.75, bgcolor: "background.paper" }}
    >
      <Typography variant="subtitle2" component="h2" sx={{ mb: 1.25 }}>
        {answers ? "Answer" : "Message the crew"}
      </Typography>
      <Stack sx={{ gap: 1.5 }}>
        {answers ? (
          <Typography variant="body2" color="textSecondary" sx={{ overflowWrap: "anywhere" }}>
            “{answers.message}”
          </Typography>
        ) : (
          <Stack direction="row" sx={{ gap: 1 }}>
            <TextField
              select
              label="To"
              value={to}
              onChange={(event) => setTo(event.target.value)}
              error={Boolean(fields.to_session_id)}
              helperText={fields.to_session_id}
              slotProps={{ select: { displayEmpty: true }, inputLabel: { shrink: true } }}
            >
              <MenuItem value="">All sessions</MenuItem>
              {listeners.map((session) => (
                <MenuItem key={session.id} value={session.id}>
                  {session.name} ({sessionStatus(session.status).label.toLowerCase()})
                </MenuItem>
              ))}
            </TextField>
            <TextField
              select
              label="As"
              value={kind}
              onChange={(event) => setKind(oneOf(SAID, event.target.value) ?? kind)}
              sx={{ maxWidth: 140 }}
            >
              {SAID.map((each) => (
                <MenuItem key={each} value={each}>
                  {KINDS[each].label}
                </MenuItem>
              ))}
            </TextField>
          </Stack>
        )}
        <TextField
          multiline
          minRows={2}
          maxRows={8}
          autoFocus={answers !== null}
          value={message}
          onChange={(event) => setMessage(event.target.value)}
          error={Boolean(fields.message)}
          helperText={fields.message}
          placeholder={answers ? "Your answer" : "Delivered with each session's next turn"}
          slotProps={{ htmlInput: { "aria-label": answers ? "Answer" : "Message to the crew" } }}
        />
        {Object.keys(fields).length === 0 && <ActionError error={tell.error} />}
        <Stack direction="row" sx={{ gap: 1, justifyContent: "flex-end" }}>
          {answers && (
            <Button color="inherit" onClick={onDone}>
              Cancel
            </Button>
          )}
          <ActionButton type="submit" variant="contained" disabled={!message.trim()} loading={tell.isPending}>
            {answers ? "Answer" : "Send"}
          </ActionButton>
        </Stack>
      </Stack>
    </Box>
  );
}
