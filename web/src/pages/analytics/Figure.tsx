// A chart that can be read as a table as well.

import {
  Box,
  Button,
  Skeleton,
  Stack,
  Table,
  TableBody,
  TableCell,
  TableHead,
  TableRow,
  Typography,
} from "@mui/material";
import { lazy, Suspense, useState } from "react";
import type { Series } from "./Chart";

// The charts are fetched when they are shown.
const Chart = lazy(() => import("./Chart"));

interface Props {
  title: string;
  /** Whether the labels are time spans, or names. */
  of: "buckets" | "names";
  labels: string[];
  series: Series[];
  isStacked?: boolean;
  format?: (value: number) => string;
  ticks?: (most: number) => number[];
  /** The text when there is nothing to show. */
  nothing?: string;
}

const HEIGHT = 240;
/** How high a name's bars are at most, and what stands around them: few names make no towers. */
const NAME = 44;
const AROUND = 64;

export function Figure(props: Props) {
  const { title, labels, series, nothing = "Nothing in this time.", format = String } = props;
  const [isTable, setTable] = useState(false);
  const isEmpty = series.every(({ values }) => values.every((value) => value === 0));
  const head = [props.of === "buckets" ? "From" : title, ...series.map(({ label }) => label)];
  const rows = labels.map((label, at) => [label, ...series.map(({ values }) => format(values[at] ?? 0))]);
  return (
    <Box
      component="section"
      aria-label={title}
      sx={{
        border: 1,
        borderColor: "divider",
        borderRadius: 1.25,
        bgcolor: "background.paper",
        p: 2,
        minWidth: 0,
      }}
    >
      <Stack
        direction="row"
        sx={{ justifyContent: "space-between", alignItems: "center", mb: 1, minHeight: 32 }}
      >
        <Typography variant="subtitle2" component="h2">
          {title}
        </Typography>
        {!isEmpty && (
          <Button color="inherit" size="small" aria-pressed={isTable} onClick={() => setTable(!isTable)}>
            {isTable ? "Chart" : "Table"}
          </Button>
        )}
      </Stack>
      {isEmpty ? (
        <Stack sx={{ height: HEIGHT, alignItems: "center", justifyContent: "center" }}>
          <Typography variant="body2" color="textSecondary">
            {nothing}
          </Typography>
        </Stack>
      ) : isTable ? (
        <Box
          sx={{ height: HEIGHT, overflow: "auto" }}
          tabIndex={0}
          role="group"
          aria-label={`${title}, table`}
        >
          <Cells head={head} rows={rows} />
        </Box>
      ) : (
        <Suspense fallback={<Skeleton variant="rounded" height={HEIGHT} />}>
          <Chart
            {...props}
            height={props.of === "names" ? Math.min(HEIGHT, AROUND + NAME * labels.length) : HEIGHT}
          />
        </Suspense>
      )}
    </Box>
  );
}

/** A table of its own. */
export function Sheet({ title, head, rows }: { title: string; head: string[]; rows: string[][] }) {
  if (rows.length === 0) return null;
  return (
    <Box component="section" aria-label={title} sx={{ mt: 3 }}>
      <Typography variant="subtitle2" component="h2" sx={{ mb: 1 }}>
        {title}
      </Typography>
      <Box
        // What scrolls is reached by the keyboard.
        role="group"
        aria-label={`Table of ${title}`}
        tabIndex={0}
        sx={{
          border: 1,
          borderColor: "divider",
          borderRadius: 1.25,
          bgcolor: "background.paper",
          overflowX: "auto",
        }}
      >
        <Cells head={head} rows={rows} />
      </Box>
    </Box>
  );
}

function Cells({ head, rows }: { head: string[]; rows: string[][] }) {
  const align = (at: number) => (at === 0 ? "left" : "right");
  return (
    <Table
      size="small"
      stickyHeader
      sx={{
        "& td": { fontVariantNumeric: "tabular-nums" },
        "& td, & th": { borderColor: "divider" },
        "& tr:last-child td, & tr:last-child th": { border: 0 },
      }}
    >
      <TableHead>
        <TableRow>
          {head.map((cell, at) => (
            <TableCell
              key={cell}
              align={align(at)}
              sx={{ whiteSpace: "nowrap", bgcolor: "background.paper" }}
            >
              {cell}
            </TableCell>
          ))}
        </TableRow>
      </TableHead>
      <TableBody>
        {rows.map((row) => (
          <TableRow key={row[0]}>
            {row.map((cell, at) => (
              <TableCell
                key={head[at]}
                align={align(at)}
                {...(at === 0 && { component: "th", scope: "row" })}
                sx={{ whiteSpace: "nowrap" }}
              >
                {cell}
              </TableCell>
            ))}
          </TableRow>
        ))}
      </TableBody>
    </Table>
  );
}
