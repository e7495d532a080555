// The inbox: its groups, where an item is read, and how live messages change it.

import type { InboxAction, InboxItem, InboxKind, InboxUpdate } from "../api/types";

export interface Inbox {
  items: InboxItem[];
  total: number;
}

/** The order of the kinds, as the server has it. */
const KINDS: InboxKind[] = [
  "permission",
  "question",
  "failure",
  "landing",
  "change_review",
  "spec_review",
  "message",
];

const LABELS: Record<InboxKind, string> = {
  permission: "Permission requests",
  question: "Questions",
  failure: "Failures",
  landing: "Landing",
  change_review: "Changes to review",
  spec_review: "Specifications to review",
  message: "Conversations",
};

export interface InboxGroup {
  kind: InboxKind;
  label: string;
  items: InboxItem[];
}

/** The items by their kinds, the most urgent kind first. */
export function groupsOf(items: readonly InboxItem[]): InboxGroup[] {
  return KINDS.map((kind) => ({
    kind,
    label: LABELS[kind],
    items: items.filter((item) => item.kind === kind),
  })).filter((group) => group.items.length > 0);
}

/** The inbox after a change, in the server's order. */
export function withUpdate(inbox: Inbox, { event, item }: InboxUpdate): Inbox {
  const others = inbox.items.filter((known) => known.id !== item.id);
  const was = others.length < inbox.items.length;
  if (event === "resolved") return { items: others, total: was ? inbox.total - 1 : inbox.total };
  return { items: [...others, item].sort(compare), total: was ? inbox.total : inbox.total + 1 };
}

function compare(one: InboxItem, other: InboxItem): number {
  return (
    KINDS.indexOf(one.kind) - KINDS.indexOf(other.kind) ||
    one.since.localeCompare(other.since) ||
    one.id.localeCompare(other.id)
  );
}

/** Where an item is read, and answered if the list cannot. */
export function pageOf({ kind, task, work_session }: InboxItem) {
  if (kind === "spec_review")
    return { to: "/tasks/$taskId", params: { taskId: task.id }, search: { tab: "specification" } } as const;
  if (kind === "change_review" || kind === "landing")
    return { to: "/tasks/$taskId", params: { taskId: task.id }, search: { tab: "change" } } as const;
  if (work_session)
    return {
      to: "/tasks/$taskId/sessions/$sessionId",
      params: { taskId: task.id, sessionId: work_session.id },
    } as const;
  return { to: "/tasks/$taskId", params: { taskId: task.id } } as const;
}

/** An answer that is given in the list. */
export interface Answer {
  action: InboxAction;
  label: string;
  key: string;
}

const ANSWERS: Answer[] = [
  { action: "allow", label: "Allow", key: "a" },
  { action: "deny", label: "Reject", key: "x" },
  { action: "allow_always", label: "Allow for this task", key: "w" },
  { action: "retry", label: "Retry", key: "t" },
  { action: "skip", label: "Skip session", key: "s" },
  { action: "reply", label: "Reply", key: "r" },
];

/** The items that can be answered in the list. Approvals are not: they are bound to what was read on the page of the
 * task. */
export const answersOf = ({ actions }: InboxItem): Answer[] =>
  ANSWERS.filter(({ action }) => actions.includes(action));
