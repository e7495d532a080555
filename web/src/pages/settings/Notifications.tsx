// The notifications of this browser, every browser that gets them, and the log of what each was sent.

import { Alert, Box, Button, Chip, Stack, Typography } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useRemovePush, useTestPush, useTurnPush } from "../../api/actions";
import { pushDeliveriesQuery, pushHereQuery, pushSubscriptionsQuery } from "../../api/queries";
import type { PushDelivery, PushSubscriptionInfo } from "../../api/types";
import { ActionButton } from "../../components/Action";
import { Ago } from "../../components/Ago";
import { Confirm } from "../../components/Confirm";
import { type Column, DataTable } from "../../components/DataTable";
import { Section } from "../../components/Page";
import { ActionError, Empty, Failed, Rows } from "../../components/States";
import type { PushState } from "../../push/browser";

export function Notifications() {
  return (
    <>
      <Section title="This browser">
        <ThisBrowser />
      </Section>
      <Section title="Browsers that get notifications">
        <Browsers />
      </Section>
    </>
  );
}

const STATES: Record<PushState, string> = {
  on: "On. Reviews, questions, permission requests and failures reach this browser also while no page of SpecTask is open.",
  off: "Off. Turned on, reviews, questions, permission requests and failures reach this browser also while no page of SpecTask is open.",
  denied:
    "Notifications are blocked in the browser’s settings for this site. Allow them there, then reload the page.",
  unsupported:
    "This browser cannot receive push messages. On iPhone and iPad, add SpecTask to the Home Screen and open it from there.",
  insecure: "Notifications need a secure address: https://, or localhost.",
};

function ThisBrowser() {
  const query = useQuery(pushHereQuery);
  const turn = useTurnPush();
  if (query.isPending) return <Rows count={1} height={44} />;
  if (!query.data) return <Failed error={query.error} retry={() => void query.refetch()} />;
  const { state } = query.data;
  const canTurn = state === "on" || state === "off";
  return (
    <Stack sx={{ gap: 1, alignItems: "flex-start" }}>
      {canTurn ? (
        <Typography variant="body2" sx={{ maxWidth: 640 }} role="status">
          {STATES[state]}
        </Typography>
      ) : (
        <Alert severity="info" variant="outlined" role="status">
          {STATES[state]}
        </Alert>
      )}
      {canTurn && (
        <ActionButton
          variant={state === "off" ? "contained" : "outlined"}
          color={state === "off" ? "primary" : "inherit"}
          disabled={turn.isPending}
          onClick={() => turn.mutate(state === "off")}
        >
          {state === "off" ? "Turn on notifications" : "Turn off notifications"}
        </ActionButton>
      )}
      <ActionError error={turn.error} />
    </Stack>
  );
}

function Browsers() {
  const query = useQuery(pushSubscriptionsQuery);
  const here = useQuery(pushHereQuery).data;
  const [removed, setRemoved] = useState<PushSubscriptionInfo | null>(null);
  if (query.isPending) return <Rows count={2} height={56} />;
  if (!query.data) return <Failed error={query.error} retry={() => void query.refetch()} />;
  if (query.data.length === 0)
    return (
      <Empty title="No browsers" compact>
        Browsers appear here when you turn on notifications in them.
      </Empty>
    );
  return (
    <Stack component="ul" sx={{ listStyle: "none", m: 0, p: 0, gap: 2.5 }}>
      {query.data.map((one) => (
        <Browser key={one.id} browser={one} isHere={one.id === here?.id} onRemove={() => setRemoved(one)} />
      ))}
      {removed && <Remove browser={removed} onClose={() => setRemoved(null)} />}
    </Stack>
  );
}

interface BrowserProps {
  browser: PushSubscriptionInfo;
  isHere: boolean;
  onRemove: () => void;
}

function Browser({ browser, isHere, onRemove }: BrowserProps) {
  const [isOpen, setOpen] = useState(false);
  const test = useTestPush(browser.id);
  const { name, service, pending, delivered, failed, readable } = browser;
  return (
    <Box component="li" aria-label={name}>
      <Stack
        direction="row"
        sx={{ justifyContent: "space-between", alignItems: "flex-start", gap: 2, flexWrap: "wrap" }}
      >
        <Box sx={{ minWidth: 0 }}>
          <Stack direction="row" sx={{ gap: 1, alignItems: "center", flexWrap: "wrap" }}>
            <Typography variant="h3" component="h3">
              <bdi>{name}</bdi>
            </Typography>
            {isHere && <Chip label="This browser" size="small" variant="outlined" />}
          </Stack>
          <Typography variant="caption" color="textSecondary" component="p" sx={{ overflowWrap: "anywhere" }}>
            {service} · added <Ago at={browser.created_at} /> · last seen <Ago at={browser.confirmed_at} />
          </Typography>
          <Typography variant="caption" color="textSecondary" component="p">
            {pending.toLocaleString()} pending · {delivered.toLocaleString()} delivered ·{" "}
            {failed.toLocaleString()} failed
          </Typography>
          {!readable && (
            <Typography variant="caption" color="error" component="p">
              The server has another key now. Turn notifications on again in this browser.
            </Typography>
          )}
        </Box>
        <Stack direction="row" sx={{ gap: 1, flexWrap: "wrap" }}>
          <Button
            variant="outlined"
            color="inherit"
            aria-expanded={isOpen}
            aria-label={`${isOpen ? "Hide" : "Show"} log of ${name}`}
            onClick={() => setOpen(!isOpen)}
          >
            {isOpen ? "Hide log" : "Show log"}
          </Button>
          <ActionButton
            variant="outlined"
            color="inherit"
            aria-label={`Send test to ${name}`}
            disabled={test.isPending}
            onClick={() => test.mutate(undefined, { onSuccess: () => setOpen(true) })}
          >
            Send test
          </ActionButton>
          <ActionButton variant="text" color="error" aria-label={`Remove ${name}`} onClick={onRemove}>
            Remove
          </ActionButton>
        </Stack>
      </Stack>
      <ActionError error={test.error} />
      {isOpen && <Log browser={browser} />}
    </Box>
  );
}

const COLUMNS: Column<PushDelivery>[] = [
  {
    head: "Message",
    width: "minmax(0, 1fr)",
    cell: ({ title, task_short_id: task }) => (task ? `${task} · ${title}` : title),
  },
  { head: "Result", width: "minmax(0, 1fr)", cell: result },
  { head: "Attempts", width: "80px", cell: ({ attempts }) => attempts.toLocaleString() },
  { head: "Created", width: "110px", cell: ({ created_at }) => <Ago at={created_at} /> },
];

function Log({ browser }: { browser: PushSubscriptionInfo }) {
  const query = useQuery(pushDeliveriesQuery(browser.id));
  if (query.isPending) return <Rows count={4} height={40} />;
  if (!query.data) return <Failed error={query.error} retry={() => void query.refetch()} />;
  if (query.data.length === 0)
    return (
      <Empty title="Nothing was sent yet" compact>
        Messages appear here as they are sent.
      </Empty>
    );
  return (
    <Box sx={{ mt: 1.5 }}>
      <DataTable
        label={`Messages to ${browser.name}`}
        columns={COLUMNS}
        rows={query.data}
        keyOf={({ id }) => id}
      />
      <Button variant="outlined" color="inherit" sx={{ mt: 1 }} onClick={() => void query.refetch()}>
        Refresh
      </Button>
    </Box>
  );
}

function result({ state, status, error }: PushDelivery): string {
  const why = error === null ? "" : `: ${error}`;
  switch (state) {
    case "delivered":
      return status === null ? "Delivered to the push service" : `Delivered to the push service (${status})`;
    case "failed":
      return `Failed${why}`;
    case "withdrawn":
      return `Not sent${why}`;
    default:
      return `Pending${why}`;
  }
}

function Remove({ browser, onClose }: { browser: PushSubscriptionInfo; onClose: () => void }) {
  const removal = useRemovePush();
  return (
    <Confirm
      open
      title={`Remove ${browser.name}?`}
      action="Remove"
      busy={removal.isPending}
      error={removal.error}
      onConfirm={() => removal.mutate(browser.id, { onSuccess: onClose })}
      onClose={onClose}
    >
      It gets no more notifications, and its log is removed. To get notifications there again, turn them on in
      that browser.
    </Confirm>
  );
}
