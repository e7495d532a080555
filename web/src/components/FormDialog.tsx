// A dialog that is filled in and sent: its frame, what was refused, and its foot.

import {
  Box,
  Button,
  Dialog,
  DialogActions,
  DialogContent,
  DialogTitle,
  MenuItem,
  Stack,
  TextField,
  type TextFieldProps,
  Typography,
  useMediaQuery,
} from "@mui/material";
import { useTheme } from "@mui/material/styles";
import {
  createContext,
  type KeyboardEvent,
  type ReactNode,
  type SyntheticEvent,
  useContext,
  useEffect,
  useMemo,
  useState,
} from "react";
import { ApiError } from "../api/client";
import { useIsOffline } from "../live/provider";
import { ActionButton, OfflineNote } from "./Action";
import { Confirm } from "./Confirm";
import { ActionError } from "./States";

interface Answer {
  /** The rejected fields, with messages. */
  refused: Partial<Record<string, string>>;
  /** The fields that are there to say so. */
  shown: Set<string>;
}

const Answer = createContext<Answer>({ refused: {}, shown: new Set() });

const NOTHING = {};

interface Props {
  title: ReactNode;
  /** The label of the submit button. */
  action: string;
  /** Whether enough is filled in. */
  canSend: boolean;
  /** The result of submitting. */
  sending: { isPending: boolean; error: unknown };
  /** Other errors, while nothing is sent. */
  error?: unknown;
  /** Beside the buttons, where there is room. */
  hint?: string;
  /** Between the hint and the buttons. */
  extra?: ReactNode;
  /** Whether what is typed is kept when it is closed; else it asks before it is lost. */
  keepsDraft?: boolean;
  onSend: () => void;
  onClose: () => void;
  children: ReactNode;
}

export function FormDialog({ title, action, canSend, sending, error, hint, ...props }: Props) {
  const isNarrow = useMediaQuery(useTheme().breakpoints.down("sm"));
  const [shown] = useState(() => new Set<string>());
  const [isTyped, setTyped] = useState(false);
  const [asksToDiscard, setAsksToDiscard] = useState(false);
  const isOffline = useIsOffline();
  const refused = sending.error instanceof ApiError ? sending.error.fields : NOTHING;
  const answer = useMemo(() => ({ refused, shown }), [refused, shown]);
  const places = Object.keys(refused);
  const isSaidByFields = places.length > 0 && places.every((field) => shown.has(field));
  const general = isSaidByFields ? error : (sending.error ?? error);

  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    // A dialog over another sends itself alone.
    event.stopPropagation();
    if (canSend && !isOffline && !sending.isPending) props.onSend();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter" && (event.metaKey || event.ctrlKey)) submit(event);
  };

  const close = () => (isTyped && !props.keepsDraft ? setAsksToDiscard(true) : props.onClose());
  const onInput = () => setTyped(true);

  return (
    <Dialog open onClose={close} maxWidth="sm" fullWidth fullScreen={isNarrow}>
      <Box
        component="form"
        onSubmit={submit}
        onKeyDown={onKeyDown}
        onInput={onInput}
        sx={{ display: "flex", flexDirection: "column", flex: 1, minHeight: 0 }}
      >
        <DialogTitle>{title}</DialogTitle>
        <DialogContent>
          <Answer.Provider value={answer}>
            <Stack sx={{ gap: 2, pt: 1 }}>{props.children}</Stack>
          </Answer.Provider>
        </DialogContent>
        {Boolean(general) && (
          <Box sx={{ px: 3, pt: 1 }}>
            <ActionError error={general} />
          </Box>
        )}
        <Box sx={{ px: 3 }}>
          <OfflineNote />
        </Box>
        <DialogActions>
          {hint && (
            <Typography
              variant="caption"
              color="textSecondary"
              sx={{ flex: 1, display: { xs: "none", sm: "block" } }}
            >
              {hint}
            </Typography>
          )}
          {props.extra}
          <Button color="inherit" onClick={close}>
            Cancel
          </Button>
          <ActionButton type="submit" variant="contained" loading={sending.isPending} disabled={!canSend}>
            {action}
          </ActionButton>
        </DialogActions>
      </Box>
      <Confirm
        open={asksToDiscard}
        title="Discard what you typed?"
        action="Discard"
        keep="Keep editing"
        isLocal
        onClose={() => setAsksToDiscard(false)}
        onConfirm={props.onClose}
      >
        It is not saved yet.
      </Confirm>
    </Dialog>
  );
}

export type FieldProps = Omit<TextFieldProps, "onChange" | "error" | "helperText"> & {
  /** The name of the field in the API; several where one field stands for them. */
  field: string | readonly string[];
  /** The hint below it, unless it was refused. */
  hint?: ReactNode;
  onChange: (value: string) => void;
};

/** A field of such a dialog; it says what was refused of it. */
export function Field({ field, hint, onChange, ...rest }: FieldProps) {
  const { refused, shown } = useContext(Answer);
  useEffect(() => {
    const names = [field].flat();
    for (const name of names) shown.add(name);
    return () => {
      for (const name of names) shown.delete(name);
    };
  }, [shown, field]);
  const reason = [field]
    .flat()
    .map((each) => refused[each])
    .find(Boolean);
  return (
    <TextField
      {...rest}
      onChange={(event) => onChange(event.target.value)}
      error={reason !== undefined}
      helperText={reason ?? hint}
    />
  );
}

interface SelectFieldProps<Value extends string> extends Omit<FieldProps, "value" | "onChange" | "select"> {
  value: Value;
  options: readonly (readonly [Value, string])[];
  onChange: (value: Value) => void;
}

/** A field whose value is one of a few. */
export function SelectField<Value extends string>({ options, onChange, ...rest }: SelectFieldProps<Value>) {
  const choose = (value: string) => {
    const chosen = options.find(([id]) => id === value);
    if (chosen) onChange(chosen[0]);
  };
  return (
    <Field {...rest} select onChange={choose}>
      {options.map(([id, label]) => (
        <MenuItem key={id} value={id}>
          {label}
        </MenuItem>
      ))}
    </Field>
  );
}
