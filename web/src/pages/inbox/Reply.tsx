// A reply to a conversation, written in the inbox.

import { Button, Stack, TextField } from "@mui/material";
import { useState } from "react";
import { ActionButton } from "../../components/Action";

interface Props {
  isSending: boolean;
  onSend: (text: string) => void;
  onCancel: () => void;
}

export function Reply({ isSending, onSend, onCancel }: Props) {
  const [text, setText] = useState("");
  const send = () => {
    const content = text.trim();
    if (content !== "" && !isSending) onSend(content);
  };
  return (
    <Stack
      component="form"
      sx={{ gap: 1, mt: 1.5 }}
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
      onKeyDown={(event) => {
        if (event.key === "Escape") onCancel();
        if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) send();
      }}
    >
      <TextField
        label="Reply"
        multiline
        minRows={2}
        maxRows={10}
        autoFocus
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      <Stack direction="row" sx={{ gap: 1, justifyContent: "flex-end" }}>
        <Button variant="outlined" color="inherit" onClick={onCancel}>
          Cancel
        </Button>
        <ActionButton
          type="submit"
          variant="contained"
          disabled={isSending}
          unavailable={text.trim() === "" ? "Write a reply first." : undefined}
        >
          Send
        </ActionButton>
      </Stack>
    </Stack>
  );
}
