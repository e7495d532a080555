// The frame around every page: where to go, whether it is live, who is logged in.

import AccountTreeOutlined from "@mui/icons-material/AccountTreeOutlined";
import BarChartRounded from "@mui/icons-material/BarChartRounded";
import FolderOutlined from "@mui/icons-material/FolderOutlined";
import InboxOutlined from "@mui/icons-material/InboxOutlined";
import SettingsOutlined from "@mui/icons-material/SettingsOutlined";
import SmartToyOutlined from "@mui/icons-material/SmartToyOutlined";
import ViewListOutlined from "@mui/icons-material/ViewListOutlined";
import { Badge, Box, Stack } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { Outlet, useMatchRoute } from "@tanstack/react-router";
import { HotkeysProvider } from "react-hotkeys-hook";
import { fleetQuery, inboxQuery } from "../api/queries";
import type { Fleet } from "../api/types";
import { LiveProvider } from "../live/provider";
import { isAtWork } from "../model/fleet";
import { LOW, NO_PRINT } from "../theme";
import { Account } from "./Account";
import { Announcer } from "./Announcer";
import { ConnectionMark, OfflineBanner } from "./Connection";
import { DecisionSlot } from "./DecisionSlot";
import { useKeptFocus, useNavigationFocus } from "./focus";
import { PAGE_KEYS } from "./hotkeys";
import { LinkBase } from "./links";
import { useNotifications } from "./Notifications";
import { PermissionBar, useAsking } from "./Permissions";
import { QuestionBar } from "./Questions";
import { SearchButton, SearchIconButton, SearchPalette } from "./SearchPalette";
import { Shortcuts } from "./Shortcuts";
import { useWaitingCount } from "./title";
import { Wordmark } from "./Wordmark";

const PLACES = [
  { to: "/inbox", label: "Inbox", icon: InboxOutlined },
  { to: "/tasks", label: "Tasks", icon: ViewListOutlined },
  { to: "/fleet", label: "Fleet", icon: AccountTreeOutlined },
  { to: "/analytics", label: "Analytics", icon: BarChartRounded },
  { to: "/projects", label: "Projects", icon: FolderOutlined },
  { to: "/agents", label: "Agents", icon: SmartToyOutlined },
] as const;

/** On a narrow screen it is in the account's menu. */
const SETTINGS = { to: "/settings", label: "Settings", icon: SettingsOutlined } as const;

export function Shell() {
  useNavigationFocus();
  useKeptFocus();
  useWaitingCount(useWaiting());
  return (
    <HotkeysProvider initiallyActiveScopes={PAGE_KEYS}>
      <LiveProvider>
        <Announcer />
        <NotifyOfInbox />
        <Box
          component="a"
          href="#main"
          sx={{
            position: "absolute",
            left: -9999,
            "&:focus": { left: 12, top: 12, zIndex: 2000, p: 1, bgcolor: "background.paper" },
          }}
        >
          Skip to content
        </Box>
        <Box sx={{ display: "flex", flexDirection: { xs: "column", md: "row" }, minHeight: "100dvh" }}>
          <Sidebar />
          <Box sx={{ flex: 1, minWidth: 0 }}>
            <TopBar />
            <OfflineBanner />
            <RequestsAbovePage />
            <Box
              component="main"
              id="main"
              tabIndex={-1}
              sx={{ outline: "none", pb: "var(--decision-room, 0px)" }}
            >
              <DecisionSlot>
                <Outlet />
              </DecisionSlot>
            </Box>
          </Box>
          <BottomBar />
        </Box>
        <Shortcuts />
        <SearchPalette />
      </LiveProvider>
    </HotkeysProvider>
  );
}

/** How much waits for the person. */
const useWaiting = () => useQuery({ ...inboxQuery, select: ({ total }) => total }).data ?? 0;

/** Permission requests and questions above the page; the inbox has the requests in its list. */
function RequestsAbovePage() {
  const isInbox = Boolean(useMatchRoute()({ to: "/inbox" }));
  return (
    <>
      {!isInbox && <PermissionBar />}
      {!isInbox && <QuestionBar />}
    </>
  );
}

/** Notifies of what begins to wait. */
function NotifyOfInbox() {
  useNotifications();
  return null;
}

function useCounts(): Record<string, number> {
  const waiting = useWaiting();
  const asking = useAsking().sessions;
  // Only the number: the fleet changes many times a second.
  const atWork = (fleet: Fleet) => fleet.agents.filter((agent) => isAtWork(agent, asking)).length;
  const working = useQuery({ ...fleetQuery, select: atWork }).data ?? 0;
  return { "/inbox": waiting, "/fleet": working };
}

function Sidebar() {
  const counts = useCounts();
  const matches = useMatchRoute();
  return (
    <Box
      component="nav"
      aria-label="Main"
      sx={{
        display: { xs: "none", md: "flex" },
        ...NO_PRINT,
        flexDirection: "column",
        width: 212,
        flexShrink: 0,
        position: "sticky",
        top: 0,
        height: "100dvh",
        px: 1.5,
        py: 2,
        bgcolor: "sunken",
        borderRight: 1,
        borderColor: "divider",
      }}
    >
      <Box sx={{ px: 1, mb: 2 }}>
        <Wordmark />
      </Box>
      <SearchButton />
      <Stack sx={{ gap: 0.25, flex: 1 }}>
        {[...PLACES, SETTINGS].map(({ to, label, icon: Icon }) => {
          const isHere = Boolean(matches({ to, fuzzy: true }));
          return (
            <LinkBase
              key={to}
              to={to}
              aria-current={isHere ? "page" : undefined}
              sx={{
                justifyContent: "flex-start",
                gap: 1.25,
                px: 1.25,
                height: 34,
                borderRadius: "7px",
                color: isHere ? "text.primary" : "text.secondary",
                bgcolor: isHere ? "background.paper" : "transparent",
                boxShadow: isHere ? "0 0 0 1px var(--mui-palette-divider)" : "none",
                fontSize: "0.875rem",
                fontWeight: isHere ? 600 : 500,
                "&:hover": { color: "text.primary", bgcolor: isHere ? "background.paper" : "action.hover" },
              }}
            >
              <Icon sx={{ fontSize: 18, opacity: 0.8 }} />
              {label}
              <Count value={counts[to] ?? 0} attention={to === "/inbox"} />
            </LinkBase>
          );
        })}
      </Stack>
      <Box sx={{ px: 1, mb: 1.5 }}>
        <ConnectionMark />
      </Box>
      <Account />
    </Box>
  );
}

function Count({ value, attention }: { value: number; attention: boolean }) {
  if (value === 0) return null;
  return (
    <Box
      component="span"
      aria-label={attention ? `${value} need you` : `${value} at work`}
      sx={{
        ml: "auto",
        px: 0.75,
        borderRadius: 1,
        fontSize: "0.75rem",
        fontWeight: 600,
        fontVariantNumeric: "tabular-nums",
        color: attention ? "warningText" : "infoText",
        backgroundColor: `color-mix(in srgb, currentColor 10%, transparent)`,
      }}
    >
      {value}
    </Box>
  );
}

function TopBar() {
  return (
    <Stack
      direction="row"
      component="header"
      sx={{
        display: { xs: "flex", md: "none" },
        ...NO_PRINT,
        alignItems: "center",
        gap: 1.5,
        px: 2,
        height: 48,
        borderBottom: 1,
        borderColor: "divider",
        bgcolor: "sunken",
      }}
    >
      <Wordmark />
      <Box sx={{ flex: 1 }} />
      <ConnectionMark />
      <SearchIconButton />
      <Account compact />
    </Stack>
  );
}

function BottomBar() {
  const counts = useCounts();
  const matches = useMatchRoute();
  return (
    <Stack
      component="nav"
      aria-label="Main"
      direction="row"
      sx={{
        display: { xs: "flex", md: "none" },
        ...NO_PRINT,
        position: "fixed",
        bottom: 0,
        left: 0,
        right: 0,
        zIndex: 1100,
        [LOW]: { position: "static" },
        bgcolor: "background.paper",
        borderTop: 1,
        borderColor: "divider",
        pb: "env(safe-area-inset-bottom)",
      }}
    >
      {PLACES.map(({ to, label, icon: Icon }) => {
        const isHere = Boolean(matches({ to, fuzzy: true }));
        return (
          <LinkBase
            key={to}
            to={to}
            aria-current={isHere ? "page" : undefined}
            sx={{
              flex: 1,
              flexDirection: "column",
              gap: 0.25,
              height: 54,
              fontSize: "0.6875rem",
              fontWeight: isHere ? 640 : 500,
              color: isHere ? "text.primary" : "text.secondary",
            }}
          >
            <Badge
              badgeContent={counts[to] ?? 0}
              color={to === "/inbox" ? "warning" : "info"}
              max={99}
              sx={{
                "& .MuiBadge-badge": { fontSize: 10, height: 15, minWidth: 15, px: 0.5, right: -7, top: 1 },
              }}
            >
              <Icon sx={{ fontSize: 20 }} />
            </Badge>
            {label}
          </LinkBase>
        );
      })}
    </Stack>
  );
}
