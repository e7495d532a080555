// Which days are counted, of which project, put together how.

import { Stack, TextField, ToggleButton, ToggleButtonGroup } from "@mui/material";
import { FilterSelect } from "../../components/FilterSelect";
import { ProjectSelect } from "../../components/ProjectSelect";
import { lastDays, lastWeeks } from "../../model/figures";
import type { AnalyticsSearch } from "../../router";

const SPANS: [number, string][] = [
  [7, "7 days"],
  [28, "4 weeks"],
  [84, "12 weeks"],
  [364, "A year"],
];

const BUCKETS = [
  ["day", "By day"],
  ["week", "By week"],
] as const;

/** Long spans are drawn by the week and are made of whole ones. */
const isByWeek = (days: number) => days > 28;
const spanOf = (days: number, now: number) =>
  isByWeek(days) ? lastWeeks(days / 7, now) : lastDays(days, now);

interface Props {
  range: { from: string; to: string; project?: string; bucket: "day" | "week" };
  onChange: (more: Partial<AnalyticsSearch>) => void;
}

export function Range({ range, onChange }: Props) {
  const now = Date.now();
  const span = SPANS.find(([days]) => {
    const { from, to } = spanOf(days, now);
    return from === range.from && to === range.to;
  });
  const choose = (days: number) =>
    onChange({ ...spanOf(days, now), bucket: isByWeek(days) ? undefined : "day" });
  const day = (label: string, value: string, change: (value: string) => void, limits: object) => (
    <TextField
      type="date"
      fullWidth={false}
      label={label}
      value={value}
      onChange={(event) => event.target.value && change(event.target.value)}
      slotProps={{ inputLabel: { shrink: true }, htmlInput: limits }}
      sx={{ width: 150 }}
    />
  );
  return (
    <Stack direction="row" sx={{ gap: 1.25, mb: 2.5, flexWrap: "wrap", alignItems: "center" }}>
      <ToggleButtonGroup
        exclusive
        size="small"
        aria-label="How long back"
        value={span?.[0] ?? null}
        onChange={(_, days: number | null) => days && choose(days)}
      >
        {SPANS.map(([days, label]) => (
          <ToggleButton key={days} value={days}>
            {label}
          </ToggleButton>
        ))}
      </ToggleButtonGroup>
      {day("From", range.from, (from) => onChange({ from }), { max: range.to })}
      {day("To", range.to, (to) => onChange({ to }), { min: range.from })}
      <FilterSelect
        label="Group by"
        fullWidth={false}
        value={range.bucket}
        options={BUCKETS}
        onChange={(bucket) => onChange({ bucket: bucket === "day" ? "day" : undefined })}
        sx={{ minWidth: 110 }}
      />
      <ProjectSelect
        fullWidth={false}
        value={range.project}
        onChange={(project) => onChange({ project })}
        sx={{ minWidth: 140 }}
      />
    </Stack>
  );
}
