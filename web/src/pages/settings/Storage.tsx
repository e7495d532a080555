// The server's stored data, the removals of retention and their time, and running them now.

import { Alert, Box, Stack, Typography } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { useRunMaintenance } from "../../api/actions";
import { maintenanceQuery } from "../../api/queries";
import type { Maintenance, MaintenanceRun, Removal } from "../../api/types";
import { ActionButton } from "../../components/Action";
import { Ago } from "../../components/Ago";
import { Mono } from "../../components/Code";
import { Confirm } from "../../components/Confirm";
import { type Column, DataTable } from "../../components/DataTable";
import { Fold } from "../../components/Fold";
import { Failed, Rows } from "../../components/States";
import { ruleLabel, ruleValue, size } from "../../model/storage";

export function Storage() {
  const query = useQuery(maintenanceQuery);
  const [isAsking, setAsking] = useState(false);
  if (query.isPending) return <Rows count={8} height={44} />;
  if (!query.data) return <Failed error={query.error} retry={() => void query.refetch()} />;
  const { storage, rules, planned, kept, last_run } = query.data;
  return (
    <Stack sx={{ gap: 3.5 }}>
      <Stack
        direction="row"
        sx={{ alignItems: "center", justifyContent: "space-between", gap: 2, flexWrap: "wrap" }}
      >
        <Typography variant="body2" color="textSecondary" sx={{ maxWidth: 560 }}>
          The server removes what it no longer needs every hour. Work that isn’t merged, recorded or saved is
          never removed.
        </Typography>
        <ActionButton variant="contained" onClick={() => setAsking(true)}>
          Run now
        </ActionButton>
      </Stack>
      <Section title="Stored">
        <StoredTable storage={storage} />
        <Typography variant="caption" color="textSecondary" component="p" sx={{ mt: 1 }}>
          Measured <Ago at={storage.measured_at} />. Sizes of tables are estimates.
          {storage.unrecorded_tasks > 0 &&
            ` ${storage.unrecorded_tasks.toLocaleString()} ${storage.unrecorded_tasks === 1 ? "task is" : "tasks are"} not fully recorded in git yet.`}
        </Typography>
      </Section>
      <Section title="Removed by the next run">
        <Planned removals={planned} />
        {kept.length > 0 && (
          <Box sx={{ mt: 1 }}>
            <Fold label={`${kept.length.toLocaleString()} old enough but kept`}>
              <Stack component="ul" sx={{ m: 0, pl: 2.5, gap: 0.5 }}>
                {kept.map(({ name, reason }) => (
                  <Typography key={`${name} ${reason}`} component="li" variant="body2">
                    <Mono>{name}</Mono>: {reason}
                  </Typography>
                ))}
              </Stack>
            </Fold>
          </Box>
        )}
      </Section>
      <Section title="Retention">
        <RuleTable rules={rules} />
      </Section>
      <Section title="Last run">
        <LastRun run={last_run} />
      </Section>
      {isAsking && <RunNow removals={planned} onClose={() => setAsking(false)} />}
    </Stack>
  );
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Box component="section" aria-label={title}>
      <Typography variant="h3" component="h2" sx={{ mb: 1.25 }}>
        {title}
      </Typography>
      {children}
    </Box>
  );
}

interface Stored {
  name: string;
  note?: string;
  count: number | null;
  bytes: number;
}

function StoredTable({ storage }: Pick<Maintenance, "storage">) {
  const { feed, session_logs, effects, idempotency_answers, trash, worktrees, setup_cache, repositories } =
    storage;
  const free = storage.database_free_bytes;
  const rows: Stored[] = [
    {
      name: "Database",
      note: free > 0 ? `${size(free)} of it free for reuse` : undefined,
      count: null,
      bytes: storage.database_bytes,
    },
    { name: "Session logs", note: "In the database", count: session_logs.count, bytes: session_logs.bytes },
    { name: "Live feed", note: "In the database", count: feed.count, bytes: feed.bytes },
    { name: "Effects", note: "In the database", count: effects.count, bytes: effects.bytes },
    {
      name: "Idempotency answers",
      note: "In the database",
      count: idempotency_answers.count,
      bytes: idempotency_answers.bytes,
    },
    { name: "Worktrees", note: "Of tasks at work", count: worktrees.count, bytes: worktrees.bytes },
    {
      name: "Setup results",
      note: "What setup commands made, for later worktrees",
      count: setup_cache.count,
      bytes: setup_cache.bytes,
    },
    { name: "Trash", note: "Removed worktrees", count: trash.count, bytes: trash.bytes },
    {
      name: "Repositories",
      note: "Cloned or created by the server",
      count: repositories.count,
      bytes: repositories.bytes,
    },
  ];
  const columns: Column<Stored>[] = [
    {
      head: "What",
      width: "minmax(0, 2fr)",
      cell: ({ name, note }) => (
        <span>
          {name}
          {note && (
            <Typography variant="caption" color="textSecondary" component="span" sx={{ display: "block" }}>
              {note}
            </Typography>
          )}
        </span>
      ),
    },
    {
      head: "Count",
      width: "minmax(0, 1fr)",
      cell: ({ count }) => (count === null ? "–" : count.toLocaleString()),
    },
    { head: "Size", width: "minmax(0, 1fr)", cell: ({ bytes }) => size(bytes) },
  ];
  return <DataTable label="Stored" columns={columns} rows={rows} keyOf={({ name }) => name} />;
}

function RuleTable({ rules }: Pick<Maintenance, "rules">) {
  const columns: Column<Maintenance["rules"][number]>[] = [
    { head: "What", width: "minmax(0, 2fr)", cell: (rule) => ruleLabel(rule) },
    { head: "Kept for", width: "minmax(0, 1fr)", cell: (rule) => ruleValue(rule) },
    { head: "Setting", width: "minmax(0, 1.4fr)", cell: ({ setting }) => <Mono>{setting}</Mono> },
  ];
  return <DataTable label="Retention" columns={columns} rows={rules} keyOf={({ setting }) => setting} />;
}

function Planned({ removals }: { removals: Removal[] }) {
  if (removals.length === 0)
    return (
      <Typography variant="body2" color="textSecondary">
        Nothing to remove.
      </Typography>
    );
  return <RemovalTable label="Removed by the next run" removals={removals} />;
}

function RemovalTable({ label, removals }: { label: string; removals: Removal[] }) {
  const columns: Column<Removal>[] = [
    { head: "What", width: "minmax(0, 3fr)", cell: ({ reason }) => reason },
    { head: "Count", width: "minmax(0, 1fr)", cell: ({ count }) => count.toLocaleString() },
    { head: "Size", width: "minmax(0, 1fr)", cell: ({ bytes }) => (bytes > 0 ? size(bytes) : "–") },
  ];
  return <DataTable label={label} columns={columns} rows={removals} keyOf={({ reason }) => reason} />;
}

function LastRun({ run }: { run: MaintenanceRun | null }) {
  if (!run)
    return (
      <Typography variant="body2" color="textSecondary">
        Not run yet. The first run starts soon after the server.
      </Typography>
    );
  return (
    <Stack sx={{ gap: 1 }}>
      <Typography variant="body2" role="status">
        Ran <Ago at={run.ended_at} />. {run.removed.length === 0 && "Nothing was removed."}
      </Typography>
      {run.removed.length > 0 && <RemovalTable label="Removed by the last run" removals={run.removed} />}
      {run.errors.map((error) => (
        <Alert key={error} severity="warning" variant="outlined">
          {error}
        </Alert>
      ))}
    </Stack>
  );
}

function RunNow({ removals, onClose }: { removals: Removal[]; onClose: () => void }) {
  const run = useRunMaintenance();
  const isEmpty = removals.length === 0;
  return (
    <Confirm
      open
      title="Run maintenance now?"
      action="Run now"
      takesAway={!isEmpty}
      busy={run.isPending}
      error={run.error}
      onConfirm={() => run.mutate(undefined, { onSuccess: onClose })}
      onClose={onClose}
    >
      {isEmpty ? (
        "There is nothing to remove at the moment."
      ) : (
        <>
          This removes:
          <Box component="ul" sx={{ my: 1, pl: 2.5 }}>
            {removals.map(({ reason, count, bytes }) => (
              <li key={reason}>
                {count.toLocaleString()}
                {bytes > 0 && ` (${size(bytes)})`}: {reason}
              </li>
            ))}
          </Box>
        </>
      )}
    </Confirm>
  );
}
