// Bars: upright by days and weeks, lying by names.

import { Box, useMediaQuery } from "@mui/material";
import { useTheme } from "@mui/material/styles";
import { BarChart } from "@mui/x-charts/BarChart";

export interface Series {
  label: string;
  color: "primary" | "success" | "warning" | "error" | "faded";
  values: number[];
}

interface Props {
  title: string;
  of: "buckets" | "names";
  labels: string[];
  series: Series[];
  isStacked?: boolean;
  format?: (value: number) => string;
  /** Where the values' axis has ticks, given the largest value; the last one is its end. */
  ticks?: (most: number) => number[];
  height: number;
}

export default function Chart(props: Props) {
  const { title, of, labels, series, isStacked, format = String, height } = props;
  const isStill = useMediaQuery("(prefers-reduced-motion: reduce)");
  // The types of themes do not know that this one has its colours as variables.
  const { palette } = (
    useTheme() as unknown as { vars: { palette: Record<Series["color"], { main: string } & string> } }
  ).vars;
  const isLying = of === "names";
  const names = {
    data: labels,
    scaleType: "band" as const,
    // Labels that would touch are left out.
    tickLabelMinGap: 10,
    categoryGapRatio: 0.35,
    barGapRatio: 0.1,
  };
  const whole = format === String;
  const ticks = props.ticks?.(Math.max(0, ...series.flatMap((one) => one.values)));
  const values = {
    ...(ticks && { tickInterval: ticks, max: ticks.at(-1) }),
    valueFormatter: (value: number) => (whole && !Number.isInteger(value) ? "" : format(value)),
  };
  return (
    <Box role="img" aria-label={title}>
      <BarChart
        height={height}
        layout={isLying ? "horizontal" : "vertical"}
        skipAnimation={isStill}
        // It is a picture; who reads by the keyboard has the table.
        disableKeyboardNavigation
        borderRadius={2}
        margin={{ left: 0, right: isLying ? 28 : 8, top: 8, bottom: 0 }}
        grid={isLying ? { vertical: true } : { horizontal: true }}
        xAxis={[isLying ? { ...values, tickNumber: 4 } : names]}
        yAxis={[isLying ? { ...names, width: 118 } : { ...values, width: 52, tickNumber: 4 }]}
        series={series.map(({ label, color, values: data }) => ({
          label,
          data,
          color: color === "faded" ? palette.faded : palette[color].main,
          stack: isStacked ? "all" : undefined,
          valueFormatter: (value: number | null) => format(value ?? 0),
        }))}
        hideLegend={series.length === 1}
        slotProps={{ legend: { position: { vertical: "top", horizontal: "start" } } }}
        sx={{ "& .MuiChartsGrid-line": { stroke: "var(--mui-palette-divider)" } }}
      />
    </Box>
  );
}
