// The frame of a decision: what is said, approve, send back, or reject.

import { Box, Button, Stack, Typography } from "@mui/material";
import { type ReactNode, useState } from "react";
import { Confirm } from "../../components/Confirm";
import { ActionError } from "../../components/States";

interface Props {
  title: ReactNode;
  note: ReactNode;
  children: ReactNode;
  approve: string;
  /** Whether something is asked for, so that it can be sent back. */
  asks: boolean;
  /** How many comments go with it. */
  count: number;
  /** Said while nothing is asked for. */
  hint: string;
  /** Asked before approving, when something speaks against it. */
  doubt?: string;
  busy: boolean;
  error: Error | null;
  onApprove: () => void;
  onRequest: () => void;
  reject: { title: string; action: string; text: string; onReject: (done: () => void) => void };
}

export function ReviewBox(props: Props) {
  const [asked, setAsked] = useState<"approve" | "reject" | null>(null);
  const { busy, error, reject } = props;
  const close = () => setAsked(null);
  return (
    <Box
      component="section"
      aria-label="Your review"
      sx={{ mb: 3, p: 2, border: 1, borderColor: "divider", borderRadius: 1.25, bgcolor: "background.paper" }}
    >
      <Typography variant="h3" component="h2">
        {props.title}
      </Typography>
      <Typography variant="caption" color="textSecondary" component="p" sx={{ mb: 1.5 }}>
        {props.note}
      </Typography>
      <Stack sx={{ gap: 1.25 }}>
        {props.children}
        <ActionError error={asked ? null : error} />
        <Button
          variant="contained"
          size="medium"
          loading={busy}
          onClick={() => (props.doubt ? setAsked("approve") : props.onApprove())}
        >
          {props.approve}
        </Button>
        <Stack direction="row" sx={{ gap: 1 }}>
          <Button
            variant="outlined"
            color="inherit"
            fullWidth
            disabled={!props.asks || busy}
            onClick={props.onRequest}
          >
            Request changes{props.count > 0 && ` (${props.count})`}
          </Button>
          <Button variant="outlined" color="error" disabled={busy} onClick={() => setAsked("reject")}>
            Reject
          </Button>
        </Stack>
        {!props.asks && (
          <Typography variant="caption" color="textSecondary">
            {props.hint}
          </Typography>
        )}
      </Stack>
      <Confirm
        open={asked === "approve"}
        title={`${props.approve}?`}
        action={props.approve}
        keep="Not yet"
        takesAway={false}
        busy={busy}
        error={error}
        onClose={close}
        onConfirm={() => {
          close();
          props.onApprove();
        }}
      >
        {props.doubt}
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
      </Confirm>
    </Box>
  );
}
