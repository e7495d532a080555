// Options of an agent, such as its model, as fields.

import { FormControlLabel, ListSubheader, MenuItem, Switch, TextField, Typography } from "@mui/material";
import type { AgentOption } from "../api/types";
import { isListed, type OptionValues } from "../model/agentOptions";

interface Props {
  options: readonly AgentOption[];
  /** What is chosen; the others have the agent's value, or none is shown where `unchosen` says what that means. */
  values: OptionValues;
  /** What a field says that has no value, where a choice can be taken back. */
  unchosen?: string;
  /** Begins the accessible names of the fields. */
  prefix?: string;
  disabled?: boolean;
  onChange: (id: string, value: string | boolean | undefined) => void;
}

export function OptionFields({ options, ...props }: Props) {
  return options.filter(isListed).map((option) => <OptionField key={option.id} option={option} {...props} />);
}

function OptionField({
  option,
  values,
  unchosen,
  prefix = "",
  disabled = false,
  onChange,
}: Omit<Props, "options"> & { option: AgentOption }) {
  const label = `${prefix}${option.name}`;
  if (option.type === "boolean" && unchosen === undefined) {
    return (
      <FormControlLabel
        control={
          <Switch
            size="small"
            checked={(values[option.id] ?? option.current_value) === true}
            disabled={disabled}
            onChange={(event) => onChange(option.id, event.target.checked)}
          />
        }
        label={<Typography variant="body2">{label}</Typography>}
        sx={{ ml: 0, gap: 1 }}
      />
    );
  }
  const isFlag = option.type === "boolean";
  const offered = isFlag
    ? [
        { value: "true", name: "On", description: null, group: null },
        { value: "false", name: "Off", description: null, group: null },
      ]
    : (option.values ?? []);
  const value = values[option.id] ?? (unchosen === undefined ? option.current_value : null) ?? "";
  const isKnown = value === "" || offered.some((each) => each.value === String(value));
  return (
    <TextField
      select
      size="small"
      label={label}
      value={String(value)}
      disabled={disabled}
      helperText={option.description ?? undefined}
      onChange={({ target }) =>
        onChange(option.id, target.value === "" ? undefined : isFlag ? target.value === "true" : target.value)
      }
      slotProps={{ select: { displayEmpty: true }, inputLabel: { shrink: true } }}
    >
      {unchosen !== undefined && <MenuItem value="">{unchosen}</MenuItem>}
      {!isKnown && <MenuItem value={String(value)}>{String(value)}</MenuItem>}
      {offered.flatMap((each, at) => [
        each.group && each.group !== offered[at - 1]?.group && (
          <GroupHeading key={`group ${each.group}`} label={each.group} />
        ),
        <MenuItem key={each.value} value={each.value} title={each.description ?? undefined}>
          {each.name}
        </MenuItem>,
      ])}
    </TextField>
  );
}

/** The heading of a group of values. It takes nothing of what the list gives its options, and so is none. */
function GroupHeading({ label }: { label: string }) {
  return (
    <ListSubheader role="presentation" sx={{ lineHeight: "32px", pointerEvents: "none" }}>
      {label}
    </ListSubheader>
  );
}
