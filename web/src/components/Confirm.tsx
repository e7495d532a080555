// A question before something that cannot be taken back.

import { Button, Dialog, DialogActions, DialogContent, DialogContentText, DialogTitle } from "@mui/material";
import type { ReactNode } from "react";
import { ActionButton, OfflineNote } from "./Action";
import { ActionError } from "./States";

interface Props {
  open: boolean;
  title: string;
  children: ReactNode;
  action: string;
  /** The label of the other button. */
  keep?: string;
  /** Whether the action takes something away. */
  takesAway?: boolean;
  busy?: boolean;
  /** Whether nothing is sent to the server, so that it works without a connection. */
  isLocal?: boolean;
  error?: unknown;
  onConfirm: () => void;
  /** Another answer beside the action. */
  alternative?: { action: string; onChoose: () => void };
  onClose: () => void;
}

export function Confirm(props: Props) {
  const {
    open,
    title,
    children,
    action,
    keep = "Back",
    takesAway = true,
    busy,
    isLocal = false,
    error,
    onConfirm,
    alternative,
    onClose,
  } = props;
  const Answer = isLocal ? Button : ActionButton;
  return (
    <Dialog open={open} onClose={onClose} maxWidth="xs" fullWidth>
      <DialogTitle>{title}</DialogTitle>
      <DialogContent>
        <DialogContentText variant="body2" component="div" sx={{ mb: error ? 2 : 0 }}>
          {children}
        </DialogContentText>
        <ActionError error={error} />
        {!isLocal && <OfflineNote />}
      </DialogContent>
      <DialogActions sx={{ flexWrap: "wrap" }}>
        <Button color="inherit" onClick={onClose}>
          {keep}
        </Button>
        {alternative && (
          <Answer variant="outlined" color="inherit" disabled={busy} onClick={alternative.onChoose}>
            {alternative.action}
          </Answer>
        )}
        <Answer
          color={takesAway ? "error" : "primary"}
          variant="contained"
          // What is asked for was seen and chosen before: the answer is at hand.
          autoFocus={!takesAway}
          onClick={onConfirm}
          loading={busy}
        >
          {action}
        </Answer>
      </DialogActions>
    </Dialog>
  );
}
