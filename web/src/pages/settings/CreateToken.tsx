// A token is created, and shown this once.

import ContentCopyRounded from "@mui/icons-material/ContentCopyRounded";
import {
  Alert,
  Autocomplete,
  Button,
  Checkbox,
  Dialog,
  DialogActions,
  DialogContent,
  DialogTitle,
  FormControlLabel,
  MenuItem,
  Stack,
  TextField,
  Typography,
} from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { useCreateToken } from "../../api/actions";
import { projectsQuery, taskChoicesQuery } from "../../api/queries";
import type { NewToken, SpecTask, TokenScope } from "../../api/types";
import { Field, FormDialog, SelectField } from "../../components/FormDialog";
import { usePause } from "../../model/pause";
import { MONO } from "../../theme";

const SCOPES: [TokenScope, string, string][] = [
  ["read", "Read", "Reads everything, changes nothing."],
  ["project", "Project", "Works with the tasks of one project."],
  ["task", "Task", "Works with one task."],
  ["owner", "Owner", "May do everything that you may do."],
];

const LIFETIMES: [string, string][] = [
  ["7", "In 7 days"],
  ["30", "In 30 days"],
  ["90", "In 90 days"],
  ["365", "In a year"],
  ["", "Never"],
];

export function CreateToken({ onClose }: { onClose: () => void }) {
  const create = useCreateToken();
  const [name, setName] = useState("");
  const [scope, setScope] = useState<TokenScope>("read");
  const [project, setProject] = useState("");
  const [task, setTask] = useState<SpecTask | null>(null);
  const [canDecide, setCanDecide] = useState(false);
  const [days, setDays] = useState("90");
  const projects = useQuery(projectsQuery).data ?? [];
  const isLimited = scope === "project" || scope === "task";
  const hasTarget = (scope !== "project" || project !== "") && (scope !== "task" || task !== null);

  if (create.data) return <ShowToken name={create.data.name} secret={create.data.token} onClose={onClose} />;
  const send = () => {
    const body: NewToken = {
      name: name.trim(),
      scope,
      project_id: scope === "project" ? project : undefined,
      task_id: scope === "task" ? task?.id : undefined,
      can_decide: isLimited && canDecide,
      expires_in_days: days === "" ? undefined : Number(days),
    };
    create.mutate(body);
  };
  return (
    <FormDialog
      title="Create token"
      action="Create token"
      canSend={name.trim() !== "" && hasTarget}
      sending={create}
      onSend={send}
      onClose={onClose}
    >
      <Field
        field="name"
        autoFocus
        label="Name"
        hint="The audit log names what is done with the token by it."
        placeholder="Build server"
        value={name}
        onChange={setName}
        slotProps={{ htmlInput: { maxLength: 100 }, inputLabel: { shrink: true } }}
      />
      <SelectField
        field="scope"
        label="Scope"
        hint={SCOPES.find(([id]) => id === scope)?.[2]}
        value={scope}
        options={SCOPES.map(([id, label]) => [id, label])}
        onChange={setScope}
      />
      {scope === "project" && (
        <Field field="project_id" select label="Project" value={project} onChange={setProject}>
          {projects.map((each) => (
            <MenuItem key={each.id} value={each.id}>
              {each.name}
            </MenuItem>
          ))}
        </Field>
      )}
      {scope === "task" && <TaskChoice value={task} onChange={setTask} />}
      {isLimited && (
        <FormControlLabel
          control={<Checkbox size="small" checked={canDecide} onChange={(_, is) => setCanDecide(is)} />}
          label={<Typography variant="body2">Approve, reject and answer permission requests too</Typography>}
        />
      )}
      <SelectField
        field="expires_in_days"
        label="Expires"
        value={days}
        options={LIFETIMES}
        onChange={setDays}
        slotProps={{ select: { displayEmpty: true }, inputLabel: { shrink: true } }}
      />
    </FormDialog>
  );
}

function TaskChoice({
  value,
  onChange,
}: {
  value: SpecTask | null;
  onChange: (task: SpecTask | null) => void;
}) {
  const [text, setText] = useState("");
  const found = useQuery(taskChoicesQuery(usePause(text, 200)));
  return (
    <Autocomplete
      size="small"
      options={found.data ?? []}
      // The server has found them already.
      filterOptions={(all) => all}
      loading={found.isPending}
      noOptionsText="No tasks found"
      value={value}
      onChange={(_, task) => onChange(task)}
      onInputChange={(_, input) => setText(input)}
      getOptionLabel={({ short_id, name }) => `${short_id} ${name}`}
      getOptionKey={({ id }) => id}
      isOptionEqualToValue={(a, b) => a.id === b.id}
      renderInput={(props) => <TextField {...props} label="Task" />}
    />
  );
}

/** The token, until its owner says that it is kept somewhere: a key or a click beside it does not take it away. */
function ShowToken({ name, secret, onClose }: { name: string; secret: string; onClose: () => void }) {
  const field = useRef<HTMLInputElement>(null);
  const [isCopied, setCopied] = useState(false);
  const copy = () => {
    field.current?.select();
    // Without a secure connection the browser has no clipboard; the text is selected then, to be copied by hand.
    void navigator.clipboard?.writeText(secret).then(
      () => setCopied(true),
      () => undefined,
    );
  };
  return (
    <Dialog open maxWidth="sm" fullWidth aria-labelledby="token-created">
      <DialogTitle id="token-created">Token created</DialogTitle>
      <DialogContent>
        <Alert severity="warning" variant="outlined" sx={{ mb: 2 }}>
          Copy the token now. It is not shown again.
        </Alert>
        <Stack direction={{ xs: "column", sm: "row" }} sx={{ gap: 1, pt: 0.5, alignItems: "flex-start" }}>
          <TextField
            label={name}
            value={secret}
            inputRef={field}
            onFocus={(event) => event.target.select()}
            slotProps={{
              htmlInput: {
                readOnly: true,
                "aria-label": "Token",
                style: { fontFamily: MONO, fontSize: "0.8125rem" },
              },
            }}
          />
          <Button
            autoFocus
            variant="outlined"
            color="inherit"
            startIcon={<ContentCopyRounded />}
            onClick={copy}
            sx={{ height: 40, flexShrink: 0 }}
          >
            {isCopied ? "Copied" : "Copy"}
          </Button>
        </Stack>
        <span role="status" aria-live="polite" style={{ position: "absolute", clipPath: "inset(50%)" }}>
          {isCopied && "The token is copied."}
        </span>
      </DialogContent>
      <DialogActions>
        <Button variant="contained" onClick={onClose}>
          Done
        </Button>
      </DialogActions>
    </Dialog>
  );
}
