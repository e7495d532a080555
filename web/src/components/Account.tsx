// The user who is signed in, with the settings of the user and of this browser: one stop of the tab key.

import AccountCircleOutlined from "@mui/icons-material/AccountCircleOutlined";
import CheckRounded from "@mui/icons-material/CheckRounded";
import UnfoldMoreRounded from "@mui/icons-material/UnfoldMoreRounded";
import { Box, ButtonBase, Divider, IconButton, ListItemText, ListSubheader, MenuItem } from "@mui/material";
import { useColorScheme } from "@mui/material/styles";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { type MouseEvent, useState } from "react";
import { useLogout } from "../api/actions";
import { meQuery } from "../api/queries";
import { PageMenu } from "./PageMenu";
import { showShortcuts } from "./Shortcuts";
import { SCHEMES } from "./ThemeSwitch";

/** Below the places of the sidebar; compact in the bar of a narrow screen. */
export function Account({ compact = false }: { compact?: boolean }) {
  const me = useQuery(meQuery).data;
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  const opens = {
    "aria-haspopup": "menu",
    "aria-expanded": anchor !== null,
    onClick: (event: MouseEvent<HTMLElement>) => setAnchor(event.currentTarget),
  } as const;
  return (
    <>
      {compact ? (
        <IconButton aria-label="Account" {...opens}>
          <AccountCircleOutlined fontSize="small" />
        </IconButton>
      ) : (
        <ButtonBase
          {...opens}
          sx={{
            justifyContent: "flex-start",
            gap: 1,
            px: 1,
            minHeight: 40,
            borderTop: 1,
            borderColor: "divider",
            fontSize: "0.8125rem",
            color: "text.secondary",
            "&:hover": { color: "text.primary" },
          }}
        >
          <AccountCircleOutlined sx={{ fontSize: 18 }} />
          <Box
            component="span"
            sx={{ flex: 1, minWidth: 0, textAlign: "start", overflow: "hidden", textOverflow: "ellipsis" }}
          >
            {me?.name ?? "Account"}
          </Box>
          <UnfoldMoreRounded sx={{ fontSize: 16 }} />
        </ButtonBase>
      )}
      <PageMenu label="Account" anchorEl={anchor} open={anchor !== null} onClose={() => setAnchor(null)}>
        <Appearance />
        <Divider />
        {compact && (
          <MenuItem component={Link} to="/settings" onClick={() => setAnchor(null)}>
            Settings
          </MenuItem>
        )}
        <MenuItem
          onClick={() => {
            setAnchor(null);
            showShortcuts();
          }}
        >
          <ListItemText>Keyboard shortcuts</ListItemText>
        </MenuItem>
        <MenuItem component={Link} to="/docs" onClick={() => setAnchor(null)}>
          API reference
        </MenuItem>
        <LogOut />
      </PageMenu>
    </>
  );
}

const HEADING = { fontSize: "0.78rem", lineHeight: "28px", fontWeight: 600, bgcolor: "transparent" } as const;

function Appearance() {
  const { mode = "system", setMode } = useColorScheme();
  return [
    <ListSubheader key="theme" role="presentation" disableSticky sx={HEADING}>
      Theme
    </ListSubheader>,
    ...SCHEMES.map(({ id, label, icon: Icon }) => (
      <MenuItem
        key={id}
        role="menuitemradio"
        aria-checked={mode === id}
        aria-label={`${label} theme`}
        selected={mode === id}
        onClick={() => setMode(id)}
      >
        <Icon sx={{ fontSize: 18, mr: 1.25, color: "text.secondary" }} />
        {label}
        {mode === id && <CheckRounded sx={{ fontSize: 18, ml: "auto" }} />}
      </MenuItem>
    )),
  ];
}

function LogOut() {
  const logout = useLogout();
  const navigate = useNavigate();
  return (
    <MenuItem onClick={() => logout.mutate(undefined, { onSettled: () => navigate({ to: "/login" }) })}>
      Log out
    </MenuItem>
  );
}
