// What narrows a page down, chosen from a list. It says what it is by what is chosen; its label is for those who hear it.

import { MenuItem, TextField, type TextFieldProps } from "@mui/material";

export interface FilterSelectProps extends Pick<TextFieldProps, "fullWidth" | "sx"> {
  label: string;
  value: string;
  options: readonly (readonly [string, string])[];
  onChange: (value: string) => void;
}

export function FilterSelect({ label, value, options, onChange, ...rest }: FilterSelectProps) {
  return (
    <TextField
      {...rest}
      select
      value={value}
      onChange={(event) => onChange(event.target.value)}
      slotProps={{ select: { displayEmpty: true, inputProps: { "aria-label": label } } }}
    >
      {options.map(([id, name]) => (
        <MenuItem key={id} value={id}>
          {name}
        </MenuItem>
      ))}
    </TextField>
  );
}
