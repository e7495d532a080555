// A line to the agent of a session, and what waits for its next turn.

import { Box, FormControlLabel, Stack, Switch, TextField, Typography } from "@mui/material";
import { type FormEvent, type KeyboardEvent, useState } from "react";
import { useSessionAction } from "../../api/actions";
import type { WorkSession } from "../../api/types";
import { ActionButton } from "../../components/Action";
import { ActionError } from "../../components/States";
import { useIsOffline } from "../../live/provider";
import { useDraft } from "../../model/drafts";
import { WaitingMessages } from "./WaitingMessages";

/** Messages that wait, and the field to send more, while the session can receive them. */
export function Speaking({ session }: { session: WorkSession }) {
  return (
    <>
      <WaitingMessages session={session} />
      {session.status === "active" && <Composer session={session} />}
    </>
  );
}

/** How high the line to the agent grows, in rows. */
const ROWS = 6;
/** As high as its text where the browser can do that by itself, as it has lines elsewhere. */
const GROWING = { fieldSizing: "content", maxHeight: `${ROWS * 1.4375}em`, overflowY: "auto" } as const;

function Composer({ session }: { session: WorkSession }) {
  const [text, setText, forget] = useDraft(`message-${session.id}`, "");
  const [interrupts, setInterrupts] = useState(false);
  const say = useSessionAction(session);
  const isOffline = useIsOffline();

  const submit = (event?: FormEvent) => {
    event?.preventDefault();
    const content = text.trim();
    if (!content || say.isPending || isOffline) return;
    say.mutate({ do: "messages", content, mode: interrupts ? "interrupt" : "queue" }, { onSuccess: forget });
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) {
      event.preventDefault();
      submit();
    }
  };

  return (
    <Box
      component="form"
      onSubmit={submit}
      sx={{ borderTop: 1, borderColor: "divider", p: 1.25, bgcolor: "sunken" }}
    >
      <ActionError error={say.error} />
      <TextField
        multiline
        // The browser lets it grow: measuring it lays out the whole conversation at every letter.
        rows={Math.min(ROWS, text.split("\n").length)}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={onKey}
        placeholder="Say something to the agent"
        slotProps={{ htmlInput: { "aria-label": "Message to the agent", style: GROWING } }}
      />
      <Stack direction="row" sx={{ alignItems: "center", justifyContent: "space-between", mt: 0.75, gap: 1 }}>
        <FormControlLabel
          control={
            <Switch
              size="small"
              checked={interrupts}
              onChange={(event) => setInterrupts(event.target.checked)}
            />
          }
          label={<Typography variant="caption">Interrupt what it is doing</Typography>}
          sx={{ ml: 0, gap: 0.75 }}
        />
        <ActionButton type="submit" variant="contained" disabled={!text.trim()} loading={say.isPending}>
          Send
        </ActionButton>
      </Stack>
    </Box>
  );
}
