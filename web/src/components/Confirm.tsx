// A question before something that cannot be taken back.

import { Button, Dialog, DialogActions, DialogContent, DialogContentText, DialogTitle } from "@mui/material";
import type { ReactNode } from "react";
import { ActionError } from "./States";

interface Props {
  open: boolean;
  title: string;
  children: ReactNode;
  action: string;
  busy?: boolean;
  error?: unknown;
  onConfirm: () => void;
  onClose: () => void;
}

export function Confirm({ open, title, children, action, busy, error, onConfirm, onClose }: Props) {
  return (
    <Dialog open={open} onClose={onClose} maxWidth="xs" fullWidth>
      <DialogTitle>{title}</DialogTitle>
      <DialogContent>
        <DialogContentText variant="body2" sx={{ mb: error ? 2 : 0 }}>
          {children}
        </DialogContentText>
        <ActionError error={error} />
      </DialogContent>
      <DialogActions>
        <Button color="inherit" onClick={onClose}>
          Keep it
        </Button>
        <Button color="error" variant="contained" onClick={onConfirm} loading={busy}>
          {action}
        </Button>
      </DialogActions>
    </Dialog>
  );
}
