// Placeholders for content: nothing yet, loading, or an error with a next step.

import { Alert, Box, Button, Skeleton, Stack, Typography } from "@mui/material";
import { type ReactNode, useEffect, useState } from "react";
import { ApiError, OfflineError } from "../api/client";
import { useLiveStatus } from "../live/provider";
import { Inline } from "./Inline";

interface EmptyProps {
  title: string;
  children?: ReactNode;
  action?: ReactNode;
  compact?: boolean;
  /** Whether it stands for a whole page, whose heading it is then. */
  isPage?: boolean;
}

export function Empty(props: EmptyProps) {
  return (
    <Stack sx={{ alignItems: "center", textAlign: "center", py: props.compact ? 4 : 9, px: 3, gap: 1 }}>
      <Typography variant="h3" component={props.isPage ? "h1" : "p"}>
        {props.title}
      </Typography>
      {props.children && (
        <Typography variant="body2" color="textSecondary" sx={{ maxWidth: 460 }}>
          {props.children}
        </Typography>
      )}
      {props.action && <Box sx={{ mt: 1.5 }}>{props.action}</Box>}
    </Stack>
  );
}

function sentenceOf(error: unknown): string {
  if (error instanceof ApiError || error instanceof OfflineError) return error.message;
  return error instanceof Error && error.message ? error.message : "Something went wrong.";
}

export function Failed({ error, retry }: { error: unknown; retry?: () => void }) {
  const isOffline = error instanceof OfflineError;
  return (
    <Alert
      severity={isOffline ? "warning" : "error"}
      variant="outlined"
      sx={{ my: 2 }}
      action={
        retry && (
          <Button color="inherit" size="small" onClick={retry}>
            Try again
          </Button>
        )
      }
    >
      <Inline text={sentenceOf(error)} />
    </Alert>
  );
}

/** Whether an error says that the server does not answer, while it does again. */
function useIsBack(error: unknown): boolean {
  const status = useLiveStatus();
  const [lost, setLost] = useState<unknown>(null);
  useEffect(() => {
    if (status === "offline") setLost(error);
  }, [status, error]);
  return error instanceof OfflineError && status === "live" && lost === error;
}

/** An error of an action, beside the button that caused it. */
export function ActionError({ error }: { error: unknown }) {
  const isOver = useIsBack(error);
  if (!error || isOver) return null;
  return (
    <Alert severity="error" variant="outlined" sx={{ py: 0 }}>
      <Inline text={sentenceOf(error)} />
    </Alert>
  );
}

export function Rows({ count = 8, height = 52 }: { count?: number; height?: number }) {
  return (
    <Box aria-busy="true" role="status" aria-label="Loading">
      {Array.from({ length: count }, (_, at) => (
        <Stack
          // biome-ignore lint/suspicious/noArrayIndexKey: placeholders have no identity
          key={at}
          direction="row"
          sx={{ alignItems: "center", gap: 2, height, px: 2, borderBottom: 1, borderColor: "divider" }}
        >
          <Skeleton variant="circular" width={14} height={14} />
          <Skeleton width={`${32 + ((at * 17) % 28)}%`} />
          <Box sx={{ flex: 1 }} />
          <Skeleton width={70} />
        </Stack>
      ))}
    </Box>
  );
}

export function Paragraphs({ lines = 7 }: { lines?: number }) {
  return (
    <Box aria-busy="true" role="status" aria-label="Loading" sx={{ py: 2 }}>
      {Array.from({ length: lines }, (_, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: placeholders have no identity
        <Skeleton key={at} width={`${60 + ((at * 23) % 40)}%`} sx={{ my: 0.75 }} />
      ))}
    </Box>
  );
}
