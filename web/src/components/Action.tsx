// Buttons and menu items that change something on the server. While there is no connection, or another reason against
// it, they are disabled and say why; they keep the focus, so that the keyboard and screen readers reach the reason.

import {
  Button,
  type ButtonProps,
  IconButton,
  type IconButtonProps,
  ListItemText,
  MenuItem,
  type MenuItemProps,
  Tooltip,
  Typography,
} from "@mui/material";
import type { SyntheticEvent } from "react";
import { useIsOffline } from "../live/provider";

const OFFLINE_REASON = "Not available while the connection is lost.";

/** A refused submit button does not submit its form either. */
const refuse = (event: SyntheticEvent) => event.preventDefault();

interface ActionButtonProps extends ButtonProps {
  /** Why it cannot be used now. */
  unavailable?: string;
}

export function ActionButton({ onClick, unavailable = "", ...props }: ActionButtonProps) {
  const reason = useIsOffline() ? OFFLINE_REASON : unavailable;
  return (
    <Tooltip describeChild title={reason}>
      <Button {...props} aria-disabled={reason ? true : undefined} onClick={reason ? refuse : onClick} />
    </Tooltip>
  );
}

export function ActionIconButton({ onClick, ...props }: IconButtonProps) {
  const isOffline = useIsOffline();
  return (
    <Tooltip describeChild title={isOffline ? OFFLINE_REASON : ""}>
      <IconButton {...props} aria-disabled={isOffline || undefined} onClick={isOffline ? refuse : onClick} />
    </Tooltip>
  );
}

interface ActionItemProps extends MenuItemProps {
  /** Why it cannot be used now; it is shown below the item's own words. */
  unavailable?: string;
}

export function ActionItem({ onClick, unavailable, children, ...props }: ActionItemProps) {
  const isOffline = useIsOffline();
  const isRefused = isOffline || Boolean(unavailable);
  return (
    <Tooltip describeChild placement="left" title={isOffline ? OFFLINE_REASON : ""}>
      <MenuItem
        {...props}
        aria-disabled={isRefused || undefined}
        onClick={isRefused ? refuse : onClick}
        // The reason is read, so it is not faded with the item.
        sx={unavailable ? { "&&[aria-disabled=true]:not(.Mui-disabled)": { opacity: 1 } } : props.sx}
      >
        {unavailable ? (
          <ListItemText
            primary={children}
            secondary={unavailable}
            slotProps={{ primary: { color: "textDisabled" }, secondary: { color: "textSecondary" } }}
          />
        ) : (
          children
        )}
      </MenuItem>
    </Tooltip>
  );
}

/** The reason as text, where a dialog covers the page's own notice. */
export function OfflineNote() {
  if (!useIsOffline()) return null;
  return (
    <Typography variant="caption" component="p" role="status" sx={{ color: "warningText", mt: 1 }}>
      {OFFLINE_REASON}
    </Typography>
  );
}
