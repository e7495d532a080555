// Notifications of the browser about what begins to wait, while no page of the dashboard is in front.

import type { InboxItem } from "../api/types";

/** Whether the browser shows notifications: it cannot, was not asked, or was answered. */
export type NotificationState = "unsupported" | NotificationPermission;

export const notificationState = (): NotificationState =>
  typeof Notification === "undefined" ? "unsupported" : Notification.permission;

/** Asks for the browser's permission; call it from a click only. */
export async function askToNotify(): Promise<NotificationState> {
  return typeof Notification === "undefined" ? "unsupported" : await Notification.requestPermission();
}

/**
 * Shows that an item waits, unless this page is in front. Tabs that show the same item replace each other's notification:
 * its tag is the item's id.
 */
export function notify(item: InboxItem, open: () => void): void {
  if (notificationState() !== "granted" || document.hasFocus()) return;
  const shown = new Notification(item.title, {
    body: `${item.task.short_id} ${item.task.name}`,
    tag: item.id,
    icon: "/favicon.svg",
  });
  shown.onclick = () => {
    window.focus();
    open();
    shown.close();
  };
}
