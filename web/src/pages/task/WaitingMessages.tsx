// Messages of people that no turn has delivered yet: they can be edited and withdrawn.

import { Box, Button, Stack, TextField, Typography } from "@mui/material";
import { useState } from "react";
import { useWaitingMessage } from "../../api/actions";
import type { QueuedMessage, WorkSession } from "../../api/types";
import { ActionButton } from "../../components/Action";
import { Ago } from "../../components/Ago";
import { Attachments } from "../../components/Attachments";
import { ActionError } from "../../components/States";
import { useIsOffline } from "../../live/provider";

export function WaitingMessages({ session }: { session: WorkSession }) {
  const waiting = session.queued_messages;
  if (waiting.length === 0) return null;
  return (
    <Box
      component="section"
      aria-label="Waiting messages"
      sx={{
        borderTop: 1,
        borderColor: "divider",
        px: 1.75,
        py: 1,
        maxHeight: "38%",
        overflowY: "auto",
        flexShrink: 0,
      }}
    >
      <Typography variant="caption" color="textSecondary" component="h3" sx={{ fontWeight: 600 }}>
        {waiting.length === 1 ? "Queued for the next turn" : `${waiting.length} queued for the next turn`}
      </Typography>
      {waiting.map((message) => (
        <Waiting key={message.message_id} session={session} message={message} />
      ))}
    </Box>
  );
}

function Waiting({ session, message }: { session: WorkSession; message: QueuedMessage }) {
  const [draft, setDraft] = useState<string | null>(null);
  // A message from before they had names goes by its turn's.
  const change = useWaitingMessage(session, message.message_id || message.turn_id);
  const isOffline = useIsOffline();
  const save = () => {
    if (draft?.trim() && !isOffline) change.mutate(draft.trim(), { onSuccess: () => setDraft(null) });
  };
  return (
    <Box sx={{ py: 0.5 }}>
      <Stack
        direction="row"
        sx={{
          gap: { xs: 0, sm: 1 },
          alignItems: "flex-start",
          // On a phone the buttons stand below the words.
          flexWrap: { xs: "wrap", sm: "nowrap" },
          "& > button:first-of-type": { ml: { xs: -1.5, sm: 0 } },
        }}
      >
        <Box sx={{ flex: { xs: "1 0 100%", sm: 1 }, minWidth: 0 }}>
          {draft === null ? (
            <Typography variant="body2" sx={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>
              {message.content}
            </Typography>
          ) : (
            <TextField
              autoFocus
              multiline
              maxRows={6}
              value={draft}
              onChange={(event) => setDraft(event.target.value)}
              onKeyDown={(event) => {
                if (event.key === "Escape") setDraft(null);
                if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) {
                  event.preventDefault();
                  save();
                }
              }}
              slotProps={{ htmlInput: { "aria-label": "Edit message" } }}
            />
          )}
          <Attachments task={session.spec_task_id} files={message.attachments ?? []} />
          <Typography variant="caption" color="textSecondary">
            {message.by} · <Ago at={message.at} />
          </Typography>
        </Box>
        {draft === null ? (
          <>
            <Button variant="text" color="inherit" onClick={() => setDraft(message.content)}>
              Edit
            </Button>
            <ActionButton
              variant="text"
              color="inherit"
              loading={change.isPending}
              onClick={() => change.mutate(null)}
            >
              Withdraw
            </ActionButton>
          </>
        ) : (
          <>
            <Button variant="text" color="inherit" onClick={() => setDraft(null)}>
              Cancel
            </Button>
            <ActionButton
              variant="contained"
              disabled={!draft.trim()}
              loading={change.isPending}
              onClick={save}
            >
              Save
            </ActionButton>
          </>
        )}
      </Stack>
      <ActionError error={change.error} />
    </Box>
  );
}
