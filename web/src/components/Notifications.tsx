// Offers notifications, and shows them: once for each item, however many tabs are open.

import NotificationsNoneRounded from "@mui/icons-material/NotificationsNoneRounded";
import { Button, Typography } from "@mui/material";
import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { inboxQuery } from "../api/queries";
import { type Inbox, pageOf } from "../model/inbox";
import { askToNotify, notificationState, notify } from "./notify";

/** A button that asks the browser for permission; nothing where it was answered or there are no notifications. */
export function NotificationsOffer() {
  const [state, setState] = useState(notificationState);
  if (state === "denied")
    return (
      <Typography variant="caption" color="textSecondary" sx={{ maxWidth: 260 }}>
        Notifications are blocked in the browser’s settings for this site.
      </Typography>
    );
  if (state !== "default") return null;
  return (
    <Button
      variant="outlined"
      color="inherit"
      startIcon={<NotificationsNoneRounded />}
      onClick={() => void askToNotify().then(setState)}
    >
      Turn on notifications
    </Button>
  );
}

/** The name under which the tabs agree on who shows a notification. */
const CHANNEL = "spectask-notifications";

/** Shows a notification of each item that is added while the page is open and not in front. */
export function useNotifications(): void {
  const client = useQueryClient();
  const navigate = useNavigate();
  const known = useRef<Set<string> | null>(null);
  useEffect(() => {
    const inFront = followTabs();
    const look = (inbox: Inbox | undefined) => {
      if (!inbox) return;
      const before = known.current;
      known.current = new Set(inbox.items.map(({ id }) => id));
      if (before === null) return;
      const added = inbox.items.filter(({ id }) => !before.has(id));
      if (added.length === 0 || inFront.has()) return;
      for (const item of added) notify(item, () => void navigate(pageOf(item)));
    };
    look(client.getQueryData<Inbox>(inboxQuery.queryKey));
    const end = client.getQueryCache().subscribe(({ query }) => {
      if (query.queryHash === HASH) look(query.state.data as Inbox | undefined);
    });
    return () => {
      end();
      inFront.end();
    };
  }, [client, navigate]);
}

const HASH = JSON.stringify(inboxQuery.queryKey);

/** Follows whether any tab of the dashboard is in front. */
function followTabs() {
  if (typeof BroadcastChannel === "undefined") return { has: () => document.hasFocus(), end: () => {} };
  const channel = new BroadcastChannel(CHANNEL);
  const own = crypto.randomUUID();
  const fronts = new Set<string>();
  const tell = () => channel.postMessage({ tab: own, isInFront: document.hasFocus() });
  channel.onmessage = ({ data }: MessageEvent<{ tab: string; isInFront: boolean }>) => {
    if (data.isInFront) fronts.add(data.tab);
    else fronts.delete(data.tab);
  };
  const leave = () => channel.postMessage({ tab: own, isInFront: false });
  tell();
  window.addEventListener("focus", tell);
  window.addEventListener("blur", tell);
  window.addEventListener("pagehide", leave);
  return {
    has: () => document.hasFocus() || fronts.size > 0,
    end: () => {
      leave();
      window.removeEventListener("focus", tell);
      window.removeEventListener("blur", tell);
      window.removeEventListener("pagehide", leave);
      channel.close();
    },
  };
}
