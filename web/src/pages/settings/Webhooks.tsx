// The webhooks of the configuration, and the log of what each was sent.

import { Box, Button, Stack, Typography } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useSendWebhook } from "../../api/actions";
import { webhookDeliveriesQuery, webhooksQuery } from "../../api/queries";
import type { Webhook, WebhookDelivery } from "../../api/types";
import { ActionButton } from "../../components/Action";
import { Ago } from "../../components/Ago";
import { Mono } from "../../components/Code";
import { type Column, DataTable } from "../../components/DataTable";
import { ActionError, Empty, Failed, Rows } from "../../components/States";

export function Webhooks() {
  const query = useQuery(webhooksQuery);
  if (query.isPending) return <Rows count={4} height={44} />;
  if (!query.data) return <Failed error={query.error} retry={() => void query.refetch()} />;
  if (query.data.length === 0)
    return (
      <Empty title="No webhooks" compact>
        Webhooks tell other programs what waits and what is done. Add an entry to the server’s configuration
        file under <Mono>[[webhooks]]</Mono> and restart the server.
      </Empty>
    );
  return (
    <Stack sx={{ gap: 3 }}>
      {query.data.map((webhook) => (
        <Endpoint key={webhook.id} webhook={webhook} />
      ))}
    </Stack>
  );
}

function Endpoint({ webhook }: { webhook: Webhook }) {
  const [isOpen, setOpen] = useState(false);
  const send = useSendWebhook(webhook.id);
  const { id, url, events, project_ids: projects, pending, delivered, failed } = webhook;
  return (
    <Box component="section" aria-label={id}>
      <Stack
        direction="row"
        sx={{ justifyContent: "space-between", alignItems: "flex-start", gap: 2, flexWrap: "wrap" }}
      >
        <Box sx={{ minWidth: 0 }}>
          <Typography variant="h3" component="h2">
            {id}
          </Typography>
          <Typography variant="body2" sx={{ overflowWrap: "anywhere" }}>
            <Mono>{url}</Mono>
          </Typography>
          <Typography variant="caption" color="textSecondary" component="p" sx={{ mt: 0.5 }}>
            {events.join(", ")}
            {projects.length > 0 && ` · only ${projects.join(", ")}`}
          </Typography>
          <Typography variant="caption" color="textSecondary" component="p">
            {pending.toLocaleString()} pending · {delivered.toLocaleString()} delivered ·{" "}
            {failed.toLocaleString()} failed
          </Typography>
        </Box>
        <Stack direction="row" sx={{ gap: 1 }}>
          <Button variant="outlined" color="inherit" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
            {isOpen ? "Hide deliveries" : "Show deliveries"}
          </Button>
          <ActionButton
            variant="outlined"
            color="inherit"
            disabled={send.isPending}
            onClick={() => send.mutate(null, { onSuccess: () => setOpen(true) })}
          >
            Send test
          </ActionButton>
        </Stack>
      </Stack>
      <ActionError error={send.error} />
      {isOpen && <Deliveries id={id} />}
    </Box>
  );
}

function Deliveries({ id }: { id: string }) {
  const query = useQuery(webhookDeliveriesQuery(id));
  const send = useSendWebhook(id);
  if (query.isPending) return <Rows count={4} height={40} />;
  if (!query.data) return <Failed error={query.error} retry={() => void query.refetch()} />;
  if (query.data.length === 0)
    return (
      <Empty title="Nothing was sent yet" compact>
        Messages appear here as they are sent.
      </Empty>
    );
  const columns: Column<WebhookDelivery>[] = [
    { head: "Event", width: "150px", cell: (delivery) => delivery.event },
    { head: "Result", width: "minmax(0, 1fr)", cell: result },
    { head: "Attempts", width: "80px", cell: (delivery) => delivery.attempts.toLocaleString() },
    { head: "Created", width: "110px", cell: (delivery) => <Ago at={delivery.created_at} /> },
    {
      head: "Redeliver",
      width: "110px",
      isHeadHidden: true,
      cell: (delivery) => (
        <ActionButton
          variant="outlined"
          color="inherit"
          disabled={send.isPending}
          onClick={() => send.mutate(delivery.id)}
        >
          Redeliver
        </ActionButton>
      ),
    },
  ];
  return (
    <Box sx={{ mt: 1.5 }}>
      <ActionError error={send.error} />
      <DataTable
        label={`Deliveries to ${id}`}
        columns={columns}
        rows={query.data}
        keyOf={(delivery) => delivery.id}
      />
      <Button variant="outlined" color="inherit" sx={{ mt: 1 }} onClick={() => void query.refetch()}>
        Refresh
      </Button>
    </Box>
  );
}

function result({ state, status, error }: WebhookDelivery): string {
  if (state === "delivered") return status === null ? "Delivered" : `Delivered (${status})`;
  const why = error === null ? "" : `: ${error}`;
  return state === "failed" ? `Failed${why}` : `Pending${why}`;
}
