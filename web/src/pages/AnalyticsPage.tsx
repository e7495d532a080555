// Figures about all tasks: throughput, lead time, failures and cost.

import FileDownloadOutlined from "@mui/icons-material/FileDownloadOutlined";
import { Alert, Box, Button, Typography } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { download } from "../api/client";
import { analyticsQuery } from "../api/queries";
import type { Analytics } from "../api/types";
import { useAgentName } from "../components/AgentName";
import { Page } from "../components/Page";
import { Empty, Failed, Rows } from "../components/States";
import {
  brief,
  bucketLabel,
  money,
  NOT_REPORTED,
  PHASES,
  tokens,
  usageCells,
  usualRange,
} from "../model/figures";
import { words } from "../model/status";
import { duration, durationTicks } from "../model/time";
import type { AnalyticsSearch } from "../router";
import { Figure, Sheet } from "./analytics/Figure";
import { Range } from "./analytics/Range";

export function AnalyticsPage() {
  const search = useSearch({ from: "/app/analytics" });
  const navigate = useNavigate();
  const usual = usualRange(Date.now());
  const range = {
    from: search.from ?? usual.from,
    to: search.to ?? usual.to,
    project: search.project,
    bucket: search.bucket ?? ("week" as const),
  };
  const query = useQuery(analyticsQuery(range));
  const change = (more: Partial<AnalyticsSearch>) =>
    void navigate({ to: "/analytics", search: { ...search, ...more }, replace: true });
  const { from, to, bucket, project } = range;
  return (
    <Page
      title="Analytics"
      lead="Throughput, lead time, failures and cost."
      actions={
        <Button
          variant="outlined"
          color="inherit"
          startIcon={<FileDownloadOutlined />}
          href={download("/api/v1/analytics", {
            query: { from, to, bucket, project_id: project, format: "csv" },
          })}
          download={`analytics-${from}-${to}.csv`}
        >
          Download CSV
        </Button>
      }
    >
      <Range range={range} onChange={change} />
      {query.isPending ? (
        <Rows count={6} height={64} />
      ) : query.isError ? (
        <Failed error={query.error} retry={() => void query.refetch()} />
      ) : (
        <Box sx={{ opacity: query.isPlaceholderData ? 0.6 : 1 }}>
          <Figures found={query.data} />
        </Box>
      )}
    </Page>
  );
}

function Figures({ found }: { found: Analytics }) {
  const { totals } = found;
  const isEmpty =
    totals.tasks_created + totals.tasks_done + totals.sessions_started + totals.failures === 0 &&
    found.phases.length === 0;
  const uncounted = found.uncounted_tasks > 0 && (
    <Alert severity="info" variant="outlined" sx={{ mb: 2 }}>
      {found.uncounted_tasks.toLocaleString()} tasks are not counted yet; the server is still reading what
      happened to them.
    </Alert>
  );
  if (isEmpty) {
    return (
      <>
        {uncounted}
        <Empty title="Nothing happened in this time">
          Choose a longer time or another project, or create a task.
        </Empty>
      </>
    );
  }
  return (
    <>
      {uncounted}
      <Heads found={found} />
      <Box
        sx={{
          display: "grid",
          gap: 2,
          gridTemplateColumns: { xs: "minmax(0, 1fr)", lg: "repeat(2, minmax(0, 1fr))" },
        }}
      >
        <Figure
          title="Tasks"
          of="buckets"
          labels={found.buckets.map((one) => bucketLabel(one.start))}
          series={[
            { label: "Created", color: "faded", values: found.buckets.map((one) => one.tasks_created) },
            { label: "Done", color: "success", values: found.buckets.map((one) => one.tasks_done) },
          ]}
        />
        <Figure
          title="Time per phase"
          of="names"
          labels={found.phases.map((one) => PHASES[one.phase] ?? one.phase)}
          format={duration}
          ticks={durationTicks}
          series={[
            { label: "Median", color: "primary", values: found.phases.map((one) => one.median_seconds ?? 0) },
            {
              label: "p90",
              color: "faded",
              values: found.phases.map((one) => one.p90_seconds ?? 0),
            },
          ]}
        />
        <Figure
          title="Work sessions that ended"
          of="buckets"
          isStacked
          labels={found.buckets.map((one) => bucketLabel(one.start))}
          series={[
            {
              label: "Completed",
              color: "success",
              values: found.buckets.map((one) => one.sessions_completed),
            },
            { label: "Failed", color: "error", values: found.buckets.map((one) => one.sessions_failed) },
            {
              label: "Cancelled",
              color: "faded",
              values: found.buckets.map((one) => one.sessions_cancelled),
            },
          ]}
        />
        <Figure
          title="Failures"
          of="names"
          labels={found.failures.map((one) => words(one.class))}
          nothing="Nothing failed."
          series={[{ label: "Times", color: "error", values: found.failures.map((one) => one.count) }]}
        />
        <Figure
          title="Tokens"
          of="buckets"
          isStacked
          labels={found.buckets.map((one) => bucketLabel(one.start))}
          format={brief}
          nothing="No usage reported."
          series={[
            { label: "Input", color: "primary", values: found.buckets.map((one) => one.usage.input_tokens) },
            {
              label: "Output",
              color: "warning",
              values: found.buckets.map((one) => one.usage.output_tokens),
            },
          ]}
        />
        <Figure
          title="Cost"
          of="buckets"
          labels={found.buckets.map((one) => bucketLabel(one.start))}
          format={money}
          nothing="No cost data reported."
          series={[
            {
              label: "US dollars",
              color: "primary",
              values: found.buckets.map((one) => one.usage.cost_usd ?? 0),
            },
          ]}
        />
      </Box>
      <Tables found={found} />
    </>
  );
}

function Heads({ found }: { found: Analytics }) {
  const time = (seconds: number | null) => (seconds === null ? "–" : duration(seconds));
  const heads: [string, string, string][] = [
    ["Tasks done", found.totals.tasks_done.toLocaleString(), `${found.totals.tasks_created} created`],
    ["Lead time", time(found.lead_time.median_seconds), "median"],
    ["Review wait", time(found.review_waiting.median_seconds), `median of ${found.review_waiting.count}`],
    [
      "Cost",
      found.totals.usage.cost_usd === null ? NOT_REPORTED : money(found.totals.usage.cost_usd),
      tokens(found.totals.usage),
    ],
  ];
  return (
    <Box
      component="dl"
      sx={{
        display: "grid",
        gridTemplateColumns: { xs: "repeat(2, minmax(0, 1fr))", md: "repeat(4, minmax(0, 1fr))" },
        gap: 2,
        m: 0,
        mb: 2.5,
      }}
    >
      {heads.map(([label, value, more]) => (
        <Box key={label}>
          <Typography variant="caption" color="textSecondary" component="dt">
            {label}
          </Typography>
          <Typography component="dd" sx={{ m: 0, fontSize: "1.5rem", fontWeight: 640, lineHeight: 1.3 }}>
            {value}
          </Typography>
          <Typography variant="caption" color="textSecondary" component="dd" sx={{ m: 0 }}>
            {more}
          </Typography>
        </Box>
      ))}
    </Box>
  );
}

function Tables({ found }: { found: Analytics }) {
  const nameOf = useAgentName();
  return (
    <>
      <Sheet
        title="Agents"
        head={["Agent", "Sessions", "Completed", "Failed", "Input", "Output", "Cost"]}
        rows={found.agents.map((one) => [
          nameOf(one.agent),
          String(one.sessions_started),
          String(one.sessions_completed),
          String(one.sessions_failed),
          ...usageCells(one.usage),
        ])}
      />
      <Sheet
        title="Projects"
        head={["Project", "Created", "Done", "Sessions", "Input", "Output", "Cost"]}
        rows={found.projects.map((one) => [
          one.project_name || one.project_id,
          String(one.tasks_created),
          String(one.tasks_done),
          String(one.sessions_started),
          ...usageCells(one.usage),
        ])}
      />
    </>
  );
}
