// Offers notifications, and shows them: once for each item, however many tabs are open.

import NotificationsNoneRounded from "@mui/icons-material/NotificationsNoneRounded";
import { Button, Stack, Typography } from "@mui/material";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useRouter } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { useTurnPush } from "../api/actions";
import { inboxQuery, pushHereQuery } from "../api/queries";
import { keys } from "../live/keys";
import { type Inbox, pageOf } from "../model/inbox";
import type { PushHere } from "../push/browser";
import { askToNotify, notificationState, notify } from "./notify";
import { ActionError } from "./States";

/** A button that turns notifications on; nothing where they are, or where there are none. */
export function NotificationsOffer() {
  const here = useQuery(pushHereQuery).data;
  const turn = useTurnPush();
  if (!here || here.state === "on") return null;
  if (here.state === "denied") return <Blocked />;
  if (here.state !== "off") return <OpenPageOffer />;
  return (
    <Stack sx={{ gap: 1, alignItems: "flex-end" }}>
      <OfferButton isBusy={turn.isPending} onClick={() => turn.mutate(true)} />
      <ActionError error={turn.error} />
    </Stack>
  );
}

/** The same for a browser that gets notifications while a page is open, and no others. */
function OpenPageOffer() {
  const [state, setState] = useState(notificationState);
  if (state === "denied") return <Blocked />;
  if (state !== "default") return null;
  return <OfferButton onClick={() => void askToNotify().then(setState)} />;
}

function Blocked() {
  return (
    <Typography variant="caption" color="textSecondary" sx={{ maxWidth: 260 }}>
      Notifications are blocked in the browser’s settings for this site.
    </Typography>
  );
}

function OfferButton({ isBusy = false, onClick }: { isBusy?: boolean; onClick: () => void }) {
  return (
    <Button
      variant="outlined"
      color="inherit"
      startIcon={<NotificationsNoneRounded />}
      disabled={isBusy}
      onClick={onClick}
    >
      Turn on notifications
    </Button>
  );
}

/** The type of a message of the service worker. The worker shares no file with the page, so that it is one file. */
const OPEN: typeof import("../push/show").OPEN = "spectask-open";

const isItem = (tag: string) => tag.startsWith("inb_");

/** The path in a message of the service worker. */
function pathToOpen(data: unknown): string | null {
  const { type, path } = (data ?? {}) as { type?: unknown; path?: unknown };
  return type === OPEN && typeof path === "string" ? path : null;
}

/** The name under which the tabs agree on who shows a notification. */
const CHANNEL = "spectask-notifications";

/**
 * Shows a notification of each item that is added while the page is open and not in front. Where push messages are on, the
 * service worker shows them, and the page takes back those of items that were answered.
 */
export function useNotifications(): void {
  const client = useQueryClient();
  const navigate = useNavigate();
  usePagesOfNotifications();
  useTakenBack();
  const known = useRef<Set<string> | null>(null);
  useEffect(() => {
    const inFront = followTabs();
    const look = (inbox: Inbox | undefined) => {
      if (!inbox) return;
      const before = known.current;
      known.current = new Set(inbox.items.map(({ id }) => id));
      if (before === null) return;
      const added = inbox.items.filter(({ id }) => !before.has(id));
      const isPushed = client.getQueryData<PushHere>(keys.pushHere)?.state === "on";
      if (added.length === 0 || isPushed || inFront.has()) return;
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

/** Shows the page that a notification of the service worker leads to. */
function usePagesOfNotifications(): void {
  const router = useRouter();
  useEffect(() => {
    const { serviceWorker } = navigator;
    if (!serviceWorker) return;
    const show = ({ data }: MessageEvent<unknown>) => {
      const path = pathToOpen(data);
      if (path !== null) router.history.push(path);
    };
    serviceWorker.addEventListener("message", show);
    return () => serviceWorker.removeEventListener("message", show);
  }, [router]);
}

/** Takes back the notifications of the service worker whose items were answered. */
function useTakenBack(): void {
  const isPushed = useQuery(pushHereQuery).data?.state === "on";
  const inbox = useQuery(inboxQuery).data;
  useEffect(() => {
    if (!isPushed || !inbox || inbox.items.length < inbox.total) return;
    void takeBack(new Set(inbox.items.map(({ id }) => id)));
  }, [isPushed, inbox]);
}

async function takeBack(waiting: ReadonlySet<string>): Promise<void> {
  const registration = await navigator.serviceWorker.getRegistration();
  for (const shown of (await registration?.getNotifications()) ?? [])
    if (isItem(shown.tag) && !waiting.has(shown.tag)) shown.close();
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
