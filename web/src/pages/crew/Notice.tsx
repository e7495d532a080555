// What a session has to be told apart for, with its particulars folded away.

import { Alert } from "@mui/material";
import type { ReactNode } from "react";

interface Props {
  severity: "error" | "warning" | "info";
  children: ReactNode;
}

export function Notice({ severity, children }: Props) {
  return (
    <Alert
      severity={severity}
      variant="outlined"
      sx={{
        mb: 1,
        py: 0,
        alignItems: "flex-start",
        "& .MuiAlert-message": { flex: 1, minWidth: 0, pb: 0.25, overflow: "visible" },
      }}
    >
      {children}
    </Alert>
  );
}
