// A session of the crew spawns another: who, what for, by which agent, and what will come of it.

import { Chip, MenuItem, Stack, TextField, Typography } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useAddSession } from "../../api/actions";
import { useOnce } from "../../api/once";
import { agentsQuery } from "../../api/queries";
import type { Effort, Priority, SpawnBody, TaskDetail } from "../../api/types";
import { useAgentName } from "../../components/AgentName";
import { Fold } from "../../components/Fold";
import { Field, FormDialog } from "../../components/FormDialog";
import { agentOf, parentsOf, spawnPreview, suggestionsFor } from "../../model/crew";
import { PRIORITIES, words } from "../../model/status";
import { Choice } from "./Choice";
import { Preview } from "./Preview";
import { SessionWords } from "./SessionWords";

const EFFORTS: Effort[] = ["small", "medium", "large"];

interface Props {
  task: TaskDetail;
  /** Its session that spawns; a person chooses where it is not said. */
  parent?: string;
  onClose: () => void;
}

export function SpawnDialog({ task, parent: given, onClose }: Props) {
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
  const agents = useQuery(agentsQuery).data?.filter((each) => each.installed) ?? [];
  const nameOf = useAgentName();
  const add = useAddSession(task.id);
  const keyOf = useOnce(add);
  const navigate = useNavigate();
  const others = task.work_sessions.filter((each) => each.phase !== "planning" && each.id !== chosen);
  const parentAgent = parent && agentOf(parent);

  const send = () => {
    if (!parent) return;
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
      { do: "spawn", parent: parent.id, key: keyOf(body), body },
      {
        onSuccess: ({ work_session: { id } }) => {
          onClose();
          void navigate({
            to: "/tasks/$taskId/sessions/$sessionId",
            params: { taskId: task.id, sessionId: id },
          });
        },
      },
    );
  };

  return (
    <FormDialog
      title="Add a session"
      action="Create and start"
      canSend={parent !== undefined && name.trim() !== "" && description.trim() !== ""}
      sending={add}
      onSend={send}
      onClose={onClose}
    >
      <Typography variant="body2" color="textSecondary" sx={{ mt: -1, mb: 0.5, overflowWrap: "anywhere" }}>
        {task.name}
      </Typography>
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
      <SessionWords
        name={{ label: "Name", value: name, onChange: setName }}
        work={{
          field: "description",
          label: "Description",
          hint: "What the agent should do.",
          value: description,
          onChange: setDescription,
        }}
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
      <Field
        field="agent_config.agent"
        select
        label="Agent"
        value={agent}
        onChange={setAgent}
        slotProps={{ select: { displayEmpty: true }, inputLabel: { shrink: true } }}
      >
        <MenuItem value="">
          Same as the parent{parentAgent !== undefined ? ` (${nameOf(parentAgent)})` : ""}
        </MenuItem>
        {agents.map((each) => (
          <MenuItem key={each.id} value={each.id}>
            {each.name}
          </MenuItem>
        ))}
      </Field>
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
        {/* In line with the fields above. */}
        <Stack sx={{ gap: 2, pt: 1, ml: -2 }}>
          {others.length > 0 && (
            <Field
              field="depends_on"
              select
              label="Depends on"
              hint="It starts when these are merged."
              value={needs}
              onChange={(chosen) => setNeeds([chosen].flat())}
              slotProps={{ select: { multiple: true } }}
            >
              {others.map((session) => (
                <MenuItem key={session.id} value={session.id}>
                  {session.name}
                </MenuItem>
              ))}
            </Field>
          )}
          <Field
            field="initial_prompt"
            label="Initial prompt"
            hint="Sent to the agent with the description."
            multiline
            minRows={2}
            maxRows={8}
            value={prompt}
            onChange={setPrompt}
          />
        </Stack>
      </Fold>
      {parent && <Preview lines={spawnPreview(parent, task.work_sessions)} />}
      {parents.length === 0 && (
        <Typography variant="body2" color="textSecondary">
          No session is active; only an active session can add another.
        </Typography>
      )}
    </FormDialog>
  );
}
