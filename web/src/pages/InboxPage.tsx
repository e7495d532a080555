// Everything that waits for the person, the most urgent first.

import { Stack, Typography } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { type RefObject, useEffect, useLayoutEffect, useMemo, useRef } from "react";
import { inboxQuery } from "../api/queries";
import type { InboxItem } from "../api/types";
import { useHotkey } from "../components/hotkeys";
import { LinkButton } from "../components/links";
import { NotificationsOffer } from "../components/Notifications";
import { Page, Section } from "../components/Page";
import { Empty, Failed, Rows } from "../components/States";
import { groupsOf } from "../model/inbox";
import { Item, LINK } from "./inbox/Item";

export function InboxPage() {
  const query = useQuery(inboxQuery);
  const list = useRef<HTMLDivElement>(null);
  useHotkey("j", () => move(list.current, 1));
  useHotkey("k", () => move(list.current, -1));
  const items = query.data?.items ?? [];
  useFocusAfterAnswers(
    list,
    useMemo(() => idsOf(query.data?.items), [query.data]),
  );
  const more = (query.data?.total ?? 0) - items.length;
  return (
    <Page
      title="Inbox"
      lead={items.length > 0 ? lead(query.data?.total ?? 0) : undefined}
      actions={<NotificationsOffer />}
    >
      {query.isPending ? (
        <Rows count={6} height={72} />
      ) : query.isError && !query.data ? (
        <Failed error={query.error} retry={() => void query.refetch()} />
      ) : items.length === 0 ? (
        <Empty
          title="Nothing needs you"
          action={
            <LinkButton variant="outlined" color="inherit" to="/tasks">
              View tasks
            </LinkButton>
          }
        >
          Reviews, permission requests, failures and conversations appear here as they begin to wait for you.
        </Empty>
      ) : (
        <div ref={list}>
          {groupsOf(items).map(({ kind, label, items: some }) => (
            <Section key={kind} title={label}>
              <Stack component="ul" aria-label={label} sx={{ listStyle: "none", m: 0, p: 0, gap: 1 }}>
                {some.map((item: InboxItem) => (
                  <Item key={item.id} item={item} />
                ))}
              </Stack>
            </Section>
          ))}
          {more > 0 && (
            <Typography variant="body2" color="textSecondary">
              {more.toLocaleString()} more appear as you answer these.
            </Typography>
          )}
        </div>
      )}
    </Page>
  );
}

const lead = (total: number) =>
  total === 1 ? "1 item waits for you." : `${total.toLocaleString()} items wait for you.`;

/** The ids of the items in the order in which they are shown. */
const idsOf = (items: readonly InboxItem[] = []) =>
  groupsOf(items).flatMap((group) => group.items.map(({ id }) => id));

const linksOf = (list: HTMLElement | null) => [...(list?.querySelectorAll<HTMLElement>(LINK) ?? [])];

/** Moves the focus to another item. */
function move(list: HTMLElement | null, by: number): void {
  const links = linksOf(list);
  const at = links.findIndex((link) => link.closest("li")?.contains(document.activeElement));
  const next = at < 0 ? (by > 0 ? 0 : links.length - 1) : at + by;
  links[Math.min(Math.max(next, 0), links.length - 1)]?.focus();
}

/**
 * Keeps the focus in the list when the item that had it is answered, here or elsewhere: it goes to the item that follows, or
 * else to the one before.
 */
function useFocusAfterAnswers(list: RefObject<HTMLElement | null>, ids: readonly string[]): void {
  const focused = useRef<string>(undefined);
  const before = useRef<readonly string[]>([]);
  useEffect(() => {
    const note = () => {
      const item = document.activeElement?.closest<HTMLElement>("li[data-item]");
      // What is removed loses the focus without a word; that is no leave.
      if (document.activeElement !== document.body) focused.current = item?.dataset.item;
    };
    document.addEventListener("focusin", note);
    return () => document.removeEventListener("focusin", note);
  }, []);
  useLayoutEffect(() => {
    const known = before.current;
    before.current = ids;
    const gone = focused.current;
    if (gone === undefined || ids.includes(gone)) return;
    const at = known.indexOf(gone);
    const next = known.slice(at + 1).find((id) => ids.includes(id)) ?? ids.at(-1);
    const links = linksOf(list.current);
    (links.find((link) => link.dataset.item === next) ?? document.getElementById("main"))?.focus();
  }, [list, ids]);
}
