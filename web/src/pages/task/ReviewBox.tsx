// A review: the overall comment, and the decision with what is asked before it.

import { Box, Stack, TextField, Typography } from "@mui/material";
import { type ReactNode, useRef, useState } from "react";
import { Confirm } from "../../components/Confirm";
import { ActionError } from "../../components/States";
import { NO_PRINT } from "../../theme";
import { Quote } from "./CommentComposer";
import { DecisionBar } from "./DecisionBar";

interface Props {
  title: ReactNode;
  note: ReactNode;
  /** The subject of the decision, in a line. */
  facts: ReactNode;
  /** The overall comment. */
  comment: { label: string; value: string; onChange: (value: string) => void };
  children?: ReactNode;
  approve: string;
  /** Whether something is asked for, so that it can be sent back. */
  asks: boolean;
  /** How many comments go with it. */
  count: number;
  /** Said where changes are requested and none is described. */
  hint: string;
  /** Asked before approving; absent where approving needs no second look. */
  confirmation?: ReactNode;
  /** Asked before changes are requested, likewise. */
  requestConfirmation?: ReactNode;
  busy: boolean;
  /** Why nothing can be approved or sent back yet. */
  unavailable?: string;
  error: Error | null;
  onApprove: (done: () => void) => void;
  onRequest: (done: () => void) => void;
  reject: { title: string; action: string; text: string; onReject: (done: () => void) => void };
}

export function ReviewBox(props: Props) {
  const [asked, setAsked] = useState<"approve" | "request" | "reject" | null>(null);
  const [isMissing, setMissing] = useState(false);
  const field = useRef<HTMLTextAreaElement>(null);
  const { busy, error, reject, comment } = props;
  const close = () => setAsked(null);
  const request = () => {
    setMissing(!props.asks);
    if (!props.asks) field.current?.focus();
    else if (props.requestConfirmation) setAsked("request");
    else props.onRequest(close);
  };
  const note = comment.value.trim();
  return (
    <Box
      component="section"
      aria-label="Your review"
      sx={{
        ...NO_PRINT,
        mb: 3,
        p: 2,
        border: 1,
        borderColor: "divider",
        borderRadius: 1.25,
        bgcolor: "background.paper",
      }}
    >
      <Typography variant="h3" component="h2">
        {props.title}
      </Typography>
      <Typography variant="caption" color="textSecondary" component="p" sx={{ mb: 1.5 }}>
        {props.note}
      </Typography>
      <Stack sx={{ gap: 1.25 }}>
        <TextField
          multiline
          minRows={3}
          maxRows={10}
          label={comment.label}
          value={comment.value}
          onChange={(event) => {
            comment.onChange(event.target.value);
            setMissing(false);
          }}
          inputRef={field}
          error={isMissing}
          helperText={isMissing || !props.asks ? props.hint : undefined}
        />
        {props.children}
      </Stack>
      <DecisionBar
        facts={props.facts}
        approve={props.approve}
        count={props.count}
        busy={busy}
        unavailable={props.unavailable}
        error={!asked && error && <ActionError error={error} />}
        onApprove={() => (props.confirmation || note ? setAsked("approve") : props.onApprove(close))}
        onRequest={request}
        onReject={() => setAsked("reject")}
      />
      <Confirm
        open={asked === "approve"}
        title={`${props.approve}?`}
        action={note ? "Approve with this note" : props.approve}
        alternative={note ? { action: "Request changes", onChoose: request } : undefined}
        takesAway={false}
        busy={busy}
        error={error}
        onClose={close}
        onConfirm={() => props.onApprove(close)}
      >
        {props.confirmation}
        {note && <Note text={note}>No agent acts on your comment if you approve; it is kept on record:</Note>}
      </Confirm>
      <Confirm
        open={asked === "request"}
        title="Request changes?"
        action="Request changes"
        takesAway={false}
        busy={busy}
        error={error}
        onClose={close}
        onConfirm={() => props.onRequest(close)}
      >
        {props.requestConfirmation}
      </Confirm>
      <Confirm
        open={asked === "reject"}
        title={reject.title}
        action={reject.action}
        busy={busy}
        error={error}
        onClose={close}
        onConfirm={() => reject.onReject(close)}
      >
        {reject.text}
        {note && <Note text={note}>Your comment is kept on record with the rejection:</Note>}
      </Confirm>
    </Box>
  );
}

/** The overall comment that goes with a decision, and what becomes of it. */
function Note({ text, children }: { text: string; children: ReactNode }) {
  return (
    <>
      <Typography variant="body2" component="p" sx={{ mt: 1.5, mb: 0.75, "&:first-child": { mt: 0 } }}>
        {children}
      </Typography>
      <Quote>{text}</Quote>
    </>
  );
}
