// A question before something that cannot be taken back.

import { Button, Dialog, DialogActions, DialogContent, DialogContentText, DialogTitle } from "@mui/material";
import type { ReactNode } from "react";
import { ActionError } from "./States";

interface Props {
  open: boolean;
  title: string;
  children: ReactNode;
  action: string;
  /** What the other button says. */
  keep?: string;
  /** Whether the action takes something away. */
  takesAway?: boolean;
  busy?: boolean;
  /** Whether it cannot be done now. */
  isLocked?: boolean;
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
    isLocked,
    error,
    onConfirm,
    alternative,
    onClose,
  } = props;
  return (
    <Dialog open={open} onClose={onClose} maxWidth="xs" fullWidth>
      <DialogTitle>{title}</DialogTitle>
      <DialogContent>
        <DialogContentText variant="body2" component="div" sx={{ mb: error ? 2 : 0 }}>
          {children}
        </DialogContentText>
        <ActionError error={error} />
      </DialogContent>
      <DialogActions sx={{ flexWrap: "wrap" }}>
        <Button color="inherit" onClick={onClose}>
          {keep}
        </Button>
        {alternative && (
          <Button
            variant="outlined"
            color="inherit"
            disabled={busy || isLocked}
            onClick={alternative.onChoose}
          >
            {alternative.action}
          </Button>
        )}
        <Button
          color={takesAway ? "error" : "primary"}
          variant="contained"
          // What is asked for was seen and chosen before: the answer is at hand.
          autoFocus={!takesAway}
          onClick={onConfirm}
          loading={busy}
          disabled={isLocked}
        >
          {action}
        </Button>
      </DialogActions>
    </Dialog>
  );
}
