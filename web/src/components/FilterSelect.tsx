// What narrows a page down, chosen from a list. It says what it is by what is chosen; its label is for those who hear it.

import { MenuItem, TextField, type TextFieldProps } from "@mui/material";

export interface FilterSelectProps<Value extends string> extends Pick<TextFieldProps, "fullWidth" | "sx"> {
  label: string;
  value: Value;
  options: readonly (readonly [Value, string])[];
  onChange: (value: Value) => void;
}

export function FilterSelect<Value extends string>({
  label,
  value,
  options,
  onChange,
  ...rest
}: FilterSelectProps<Value>) {
  return (
    <TextField
      {...rest}
      select
      value={value}
      onChange={(event) => {
        const chosen = options.find(([id]) => id === event.target.value);
        if (chosen) onChange(chosen[0]);
      }}
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
