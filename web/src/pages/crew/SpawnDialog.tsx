// A session of the crew spawns another: who, what for, by which agent, and what will come of it.

import {
  Box,
  Button,
  Chip,
  Dialog,
  DialogActions,
  DialogContent,
  DialogTitle,
  MenuItem,
  Stack,
  TextField,
  Typography,
  useMediaQuery,
} from "@mui/material";
import { useTheme } from "@mui/material/styles";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { useAddSession } from "../../api/actions";
import { ApiError, newKey } from "../../api/client";
import { agentsQuery } from "../../api/queries";
import type { Effort, Priority, SpawnBody, TaskDetail } from "../../api/types";
import { Fold } from "../../components/Fold";
import { ActionError } from "../../components/States";
import { parentsOf, spawnPreview, suggestionsFor } from "../../model/crew";
import { PRIORITIES, words } from "../../model/status";
import { Choice } from "./Choice";
import { Preview } from "./Preview";

const EFFORTS: Effort[] = ["small", "medium", "large"];

interface Props {
  task: TaskDetail;
  /** Its session that spawns; a person chooses where it is not said. */
  parent?: string;
  onClose: () => void;
}

export function SpawnDialog({ task, parent: given, onClose }: Props) {
  const isNarrow = useMediaQuery(useTheme().breakpoints.down("sm"));
  const parents = parentsOf(task.work_sessions);
  const [chosen, setChosen] = useState(given ?? parents[0]?.id ?? "");
  // The parent may end while the dialog is open; the server then says so.
  const parent = task.work_sessions.find((session) => session.id === chosen);
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  const [agent, setAgent] = useState("");
  const [priority, setPriority] = useState<Priority>(task.priority);
  const [effort, setEffort] = useState<Effort>("medium");
  const [needs, setNeeds] = useState<string[]>([]);
  const [prompt, setPrompt] = useState("");
  const [key, setKey] = useState(newKey);
  const agents = useQuery(agentsQuery).data?.filter((each) => each.installed) ?? [];
  const add = useAddSession(task.id);
  const navigate = useNavigate();
  const fields = add.error instanceof ApiError ? add.error.fields : {};
  const others = task.work_sessions.filter((each) => each.phase !== "planning" && each.id !== chosen);
  const parentAgent = (parent?.agent_config as { agent?: unknown } | null)?.agent;

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!parent || add.isPending) return;
    const body: SpawnBody = {
      name: name.trim(),
      description: description.trim(),
      priority,
      effort,
      depends_on: needs,
      ...(agent ? { agent_config: { agent } } : {}),
      ...(prompt.trim() ? { initial_prompt: prompt.trim() } : {}),
    };
    add.mutate(
      { do: "spawn", parent: parent.id, key, body },
      {
        onSuccess: ({ work_session: { id } }) => {
          onClose();
          void navigate({
            to: "/tasks/$taskId/sessions/$sessionId",
            params: { taskId: task.id, sessionId: id },
          });
        },
        // What is sent next may be something else.
        onError: () => setKey(newKey()),
      },
    );
  };

  return (
    <Dialog
      open
      onClose={onClose}
      maxWidth="sm"
      fullWidth
      fullScreen={isNarrow}
      slotProps={{ paper: { component: "form", onSubmit: submit } }}
    >
      <DialogTitle>Spawn a work session</DialogTitle>
      <DialogContent>
        <Typography variant="body2" color="textSecondary" sx={{ mb: 2, overflowWrap: "anywhere" }}>
          {task.name}
        </Typography>
        <Stack sx={{ gap: 2, pt: 0.5 }}>
          <TextField
            select
            label="Parent session"
            value={parent ? chosen : ""}
            onChange={(event) => setChosen(event.target.value)}
          >
            {(parent && !parents.includes(parent) ? [parent, ...parents] : parents).map((session) => (
              <MenuItem key={session.id} value={session.id}>
                {session.name}
              </MenuItem>
            ))}
          </TextField>
          <TextField
            autoFocus
            label="Name"
            value={name}
            onChange={(event) => setName(event.target.value)}
            error={Boolean(fields.name)}
            helperText={fields.name}
            slotProps={{ htmlInput: { maxLength: 200 } }}
          />
          <TextField
            label="Description"
            multiline
            minRows={3}
            maxRows={10}
            value={description}
            onChange={(event) => setDescription(event.target.value)}
            error={Boolean(fields.description)}
            helperText={fields.description ?? "What is to be done; the agent is asked for this."}
          />
          {parent && (
            <Stack
              direction="row"
              role="group"
              aria-label="Suggestions"
              sx={{ gap: 0.75, flexWrap: "wrap", alignItems: "center" }}
            >
              <Typography variant="caption" color="textSecondary">
                Suggestions
              </Typography>
              {suggestionsFor(parent).map((suggestion) => (
                <Chip
                  key={suggestion.label}
                  label={suggestion.label}
                  variant="outlined"
                  onClick={() => {
                    setName(suggestion.name);
                    setDescription(suggestion.description);
                  }}
                />
              ))}
            </Stack>
          )}
          <TextField
            select
            label="Agent"
            value={agent}
            onChange={(event) => setAgent(event.target.value)}
            error={Boolean(fields["agent_config.agent"])}
            helperText={fields["agent_config.agent"]}
            slotProps={{ select: { displayEmpty: true }, inputLabel: { shrink: true } }}
          >
            <MenuItem value="">
              As the parent{typeof parentAgent === "string" ? ` (${parentAgent})` : ""}
            </MenuItem>
            {agents.map((each) => (
              <MenuItem key={each.id} value={each.id}>
                {each.name}
              </MenuItem>
            ))}
          </TextField>
          <Stack direction={{ xs: "column", sm: "row" }} sx={{ gap: 2 }}>
            <Choice
              label="Priority"
              value={priority}
              options={PRIORITIES.map((each) => [each, words(each)])}
              onChange={setPriority}
            />
            <Choice
              label="Effort"
              value={effort}
              options={EFFORTS.map((each) => [each, words(each)])}
              onChange={setEffort}
            />
          </Stack>
          <Fold label="More" quiet>
            <Stack sx={{ gap: 2, pt: 1 }}>
              {others.length > 0 && (
                <TextField
                  select
                  label="Needs the work of"
                  value={needs}
                  onChange={(event) => setNeeds([event.target.value].flat())}
                  error={Boolean(fields.depends_on)}
                  helperText={fields.depends_on ?? "It starts when these are merged."}
                  slotProps={{ select: { multiple: true } }}
                >
                  {others.map((session) => (
                    <MenuItem key={session.id} value={session.id}>
                      {session.name}
                    </MenuItem>
                  ))}
                </TextField>
              )}
              <TextField
                label="First words to the agent"
                multiline
                minRows={2}
                maxRows={8}
                value={prompt}
                onChange={(event) => setPrompt(event.target.value)}
                error={Boolean(fields.initial_prompt)}
                helperText={fields.initial_prompt ?? "Beside the description, if there is more to say."}
              />
            </Stack>
          </Fold>
          {parent && <Preview lines={spawnPreview(parent, task.work_sessions)} />}
          {parents.length === 0 && (
            <Typography variant="body2" color="textSecondary">
              No session is at work; only one at work can spawn another.
            </Typography>
          )}
        </Stack>
      </DialogContent>
      {add.error && Object.keys(fields).length === 0 && (
        <Box sx={{ px: 3, pt: 1 }}>
          <ActionError error={add.error} />
        </Box>
      )}
      <DialogActions>
        <Button color="inherit" onClick={onClose}>
          Cancel
        </Button>
        <Button
          type="submit"
          variant="contained"
          loading={add.isPending}
          disabled={!parent || !name.trim() || !description.trim()}
        >
          Create and start
        </Button>
      </DialogActions>
    </Dialog>
  );
}
