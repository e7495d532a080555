// A line to the agent of a session, and what waits for its next turn.

import { Box, FormControlLabel, Stack, Switch, TextField, Typography } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, type KeyboardEvent, useId, useState } from "react";
import { useSessionAction } from "../../api/actions";
import { sessionOfferQuery } from "../../api/queries";
import type { AgentCommand, WorkSession } from "../../api/types";
import { ActionButton } from "../../components/Action";
import { AttachButton, ChosenFiles, takesFiles, useFiles } from "../../components/AttachFiles";
import { ActionError } from "../../components/States";
import { useIsOffline } from "../../live/provider";
import { commandsFor } from "../../model/agentOptions";
import { useDraft } from "../../model/drafts";
import { Commands, commandId } from "./Commands";
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
  const attached = useFiles();
  const [interrupts, setInterrupts] = useState(false);
  const say = useSessionAction(session);
  const isOffline = useIsOffline();
  const list = useId();
  const [chosen, setChosen] = useState(0);
  const [closed, setClosed] = useState<string>();
  const offer = useQuery({
    ...sessionOfferQuery(session.id, "typed"),
    enabled: text.startsWith("/"),
    staleTime: 0,
  });
  const fitting = commandsFor(text, offer.data?.available_commands ?? []);
  const commands = closed === text ? [] : fitting;
  const at = Math.min(chosen, commands.length - 1);
  const choose = (command: AgentCommand) => {
    setText(`/${command.name} `);
    setChosen(0);
  };

  const submit = (event?: FormEvent) => {
    event?.preventDefault();
    const content = text.trim();
    if (!content || say.isPending || isOffline) return;
    const mode = interrupts ? "interrupt" : "queue";
    const onSuccess = () => {
      forget();
      attached.clear();
    };
    say.mutate({ do: "messages", content, mode, files: attached.files }, { onSuccess });
  };
  const onKey = (event: KeyboardEvent) => {
    const command = commands[at];
    if (command && !event.shiftKey && !event.nativeEvent.isComposing) {
      const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
      // A command that is typed whole is sent.
      const isWhole = text === `/${command.name}`;
      if (step !== 0) setChosen((at + step + commands.length) % commands.length);
      else if (event.key === "Escape") setClosed(text);
      else if (event.key === "Tab" || (event.key === "Enter" && !isWhole)) choose(command);
      if (
        step !== 0 ||
        event.key === "Escape" ||
        event.key === "Tab" ||
        (event.key === "Enter" && !isWhole)
      ) {
        event.preventDefault();
        event.stopPropagation();
        return;
      }
    }
    if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) {
      event.preventDefault();
      submit();
    }
  };

  return (
    <Box
      component="form"
      onSubmit={submit}
      {...takesFiles(attached.add)}
      sx={{ borderTop: 1, borderColor: "divider", p: 1.25, bgcolor: "sunken" }}
    >
      <ActionError error={say.error} />
      {commands.length > 0 && <Commands id={list} commands={commands} at={at} onChoose={choose} />}
      <TextField
        multiline
        // The browser lets it grow: measuring it lays out the whole conversation at every letter.
        rows={Math.min(ROWS, text.split("\n").length)}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={onKey}
        placeholder="Say something to the agent"
        slotProps={{
          htmlInput: {
            "aria-label": "Message to the agent",
            "aria-autocomplete": "list",
            "aria-controls": commands.length > 0 ? list : undefined,
            "aria-activedescendant": commands.length > 0 ? commandId(list, at) : undefined,
            style: GROWING,
          },
        }}
      />
      <ChosenFiles {...attached} />
      <Stack direction="row" sx={{ alignItems: "center", mt: 0.75, gap: 1 }}>
        <AttachButton onChoose={attached.add} />
        <FormControlLabel
          control={
            <Switch
              size="small"
              checked={interrupts}
              onChange={(event) => setInterrupts(event.target.checked)}
            />
          }
          label={<Typography variant="caption">Interrupt what it is doing</Typography>}
          sx={{ ml: 0, mr: "auto", gap: 0.75 }}
        />
        <ActionButton type="submit" variant="contained" disabled={!text.trim()} loading={say.isPending}>
          Send
        </ActionButton>
      </Stack>
    </Box>
  );
}
