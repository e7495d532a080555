// The dialog that makes a task: where, what, how much it matters, and who does it.

import {
  Box,
  ButtonBase,
  FormControlLabel,
  ListSubheader,
  MenuItem,
  Stack,
  Switch,
  TextField,
  Typography,
} from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { useCreateTask } from "../../api/actions";
import { useOnce } from "../../api/once";
import { agentsQuery, projectsQuery, samplesQuery, templatesQuery } from "../../api/queries";
import type { Agent, Complexity, DemoRepo, Priority, TaskType } from "../../api/types";
import { Field, FormDialog } from "../../components/FormDialog";
import { isPlanned, PRIORITIES, TASK_TYPES, words } from "../../model/status";
import { TemplateChoice } from "./TemplateChoice";

const SAMPLE = "sample:";
const PLACES = ["project_id", "demo_repo"];
export function CreateDialog({ project, onClose }: { project?: string; onClose: () => void }) {
  const navigate = useNavigate();
  const projects = useQuery(projectsQuery);
  const samples = useQuery(samplesQuery);
  const agents = useQuery(agentsQuery).data ?? [];
  const create = useCreateTask();
  const [place, setPlace] = useState(project ?? "");
  const [prompt, setPrompt] = useState("");
  const [type, setType] = useState<TaskType>("feature");
  const [priority, setPriority] = useState<Priority>("medium");
  const [complexity, setComplexity] = useState<Complexity>("complex");
  const [planner, setPlanner] = useState("");
  const [implementer, setImplementer] = useState("");
  const [template, setTemplate] = useState("");
  const [itemLines, setItemLines] = useState("");
  const [isPlannedFirst, setPlannedFirst] = useState(true);
  const keyOf = useOnce(create);

  useEffect(() => {
    if (place || !projects.data || !samples.data) return;
    const first = projects.data[0]?.id ?? (samples.data[0] ? SAMPLE + samples.data[0].id : "");
    setPlace(first);
  }, [place, projects.data, samples.data]);

  const sample = place.startsWith(SAMPLE)
    ? samples.data?.find((each) => each.id === place.slice(SAMPLE.length))
    : undefined;
  const ownSample = projects.data?.find((each) => each.id === place)?.settings?.sample;
  const suggestions = sample ?? samples.data?.find((each) => each.id === ownSample);
  const templates = useQuery({ ...templatesQuery(sample || !place ? undefined : place) }).data ?? [];
  const pattern = templates.find((each) => each.name === template);
  const items = itemLines
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
  const hasReadyPlan = Boolean(pattern?.start);
  const choose = (name: string) => {
    setTemplate(name);
    const chosen = templates.find((each) => each.name === name);
    if (!chosen) return;
    setType(chosen.type);
    setPriority(chosen.priority);
    setComplexity(chosen.complexity);
    setPlannedFirst(chosen.planning || Boolean(chosen.start));
  };
  const needsItems = Boolean(pattern?.takes_items) && items.length === 0;
  const canSend = prompt.trim() !== "" && place !== "" && !needsItems;

  const send = () => {
    const common = {
      prompt: prompt.trim(),
      type,
      priority,
      complexity,
      spec_agent: planner || undefined,
      implementation_agent: implementer || undefined,
      template: pattern ? template : undefined,
      items: pattern?.takes_items ? items : undefined,
      planning: isPlanned(type) && !isPlannedFirst ? false : undefined,
    };
    const task = sample
      ? ({ from: "demo", body: { ...common, demo_repo: sample.id } } as const)
      : ({ from: "prompt", body: { ...common, project_id: place } } as const);
    create.mutate(
      { ...task, key: keyOf(task) },
      { onSuccess: (made) => void navigate({ to: "/tasks/$taskId", params: { taskId: made.id } }) },
    );
  };

  return (
    <FormDialog
      title="New task"
      action="Create and start"
      hint="Ctrl + Enter creates it"
      canSend={canSend}
      sending={create}
      error={projects.error ?? samples.error}
      onSend={send}
      onClose={onClose}
    >
      <Field
        field={PLACES}
        select
        label="Repository"
        hint={sample?.description}
        value={place}
        onChange={setPlace}
      >
        {(projects.data?.length ?? 0) > 0 && <ListSubheader>Projects</ListSubheader>}
        {projects.data?.map((each) => (
          <MenuItem key={each.id} value={each.id}>
            {each.name}
          </MenuItem>
        ))}
        {(samples.data?.length ?? 0) > 0 && <ListSubheader>Sample repositories</ListSubheader>}
        {samples.data?.map((each) => (
          <MenuItem key={each.id} value={SAMPLE + each.id}>
            {each.name}
          </MenuItem>
        ))}
        {place === "" && <MenuItem value="" sx={{ display: "none" }} />}
      </Field>
      <Field
        field="prompt"
        label="What is to be done?"
        multiline
        minRows={4}
        maxRows={12}
        autoFocus
        value={prompt}
        onChange={setPrompt}
        placeholder="Add user accounts with email and password, so that every person sees only their own todos."
      />
      {suggestions && (
        <Prompts
          sample={suggestions}
          prompts={promptsFor(suggestions, type)}
          chosen={prompt}
          onChoose={setPrompt}
        />
      )}
      <TemplateChoice templates={templates} value={pattern ? template : ""} onChange={choose} />
      {pattern?.takes_items && (
        <Field
          field="items"
          label={items.length > 0 ? `Items (${items.length})` : "Items"}
          hint="One in each line; each becomes a planned task"
          multiline
          minRows={3}
          maxRows={10}
          value={itemLines}
          onChange={setItemLines}
        />
      )}
      <Box sx={{ display: "grid", gap: 2, gridTemplateColumns: { xs: "1fr", sm: "1fr 1fr 1.55fr" } }}>
        <Choice
          label="Type"
          value={type}
          onChange={(value) => setType(value as TaskType)}
          options={TASK_TYPES}
        />
        <Choice
          label="Priority"
          value={priority}
          onChange={(value) => setPriority(value as Priority)}
          options={PRIORITIES}
        />
        <TextField
          select
          label="Complexity"
          value={complexity}
          disabled={!isPlanned(type) || !isPlannedFirst}
          onChange={(event) => setComplexity(event.target.value as Complexity)}
        >
          <MenuItem value="simple">Simple · one session</MenuItem>
          <MenuItem value="complex">Complex · several sessions</MenuItem>
        </TextField>
      </Box>
      <Box sx={{ display: "grid", gap: 2, gridTemplateColumns: { xs: "1fr", sm: "1fr 1fr" } }}>
        <AgentChoice
          field="spec_agent"
          label="Planning agent"
          part="planning"
          value={planner}
          onChange={setPlanner}
          agents={agents}
          disabled={!isPlanned(type) || !isPlannedFirst || hasReadyPlan}
        />
        <AgentChoice
          field="implementation_agent"
          label="Implementation agent"
          part="implementation"
          value={implementer}
          onChange={setImplementer}
          agents={agents}
        />
      </Box>
      {isPlanned(type) && !hasReadyPlan && (
        <FormControlLabel
          control={
            <Switch
              size="small"
              checked={isPlannedFirst}
              onChange={(event) => setPlannedFirst(event.target.checked)}
            />
          }
          label={
            <Typography variant="body2">
              Plan it first
              <Typography
                component="span"
                variant="caption"
                color="textSecondary"
                sx={{ display: { xs: "block", sm: "inline" }, ml: { sm: 1 } }}
              >
                {isPlannedFirst ? "You review the plan before work begins" : "An agent just does it"}
              </Typography>
            </Typography>
          }
          sx={{ ml: 0, gap: 1 }}
        />
      )}
      {!isPlanned(type) && (
        <Typography variant="caption" color="textSecondary">
          {type === "interactive"
            ? "A conversation: an agent begins at once, and waits for you after each turn until you close it."
            : "No plan: an agent begins at once, and you review the change when it is done."}
        </Typography>
      )}
    </FormDialog>
  );
}

/** What is suggested for a sample: what its agent plays for tasks of the type comes first. */
function promptsFor(sample: DemoRepo, type: TaskType): string[] {
  const plain = sample.plain.filter((each) => each.task_type === type).map((each) => each.prompt);
  return plain.length > 0 ? plain : sample.prompts;
}

function Prompts(props: {
  sample: DemoRepo;
  prompts: readonly string[];
  chosen: string;
  onChoose: (prompt: string) => void;
}) {
  if (props.prompts.length === 0) return null;
  return (
    <Box role="group" aria-label={`Prompts for ${props.sample.name}`}>
      <Typography variant="caption" color="textSecondary" component="p" sx={{ mb: 0.75 }}>
        Try one of these on {props.sample.name}
      </Typography>
      <Stack sx={{ gap: 0.75 }}>
        {props.prompts.map((prompt) => (
          <ButtonBase
            key={prompt}
            onClick={() => props.onChoose(prompt)}
            aria-pressed={props.chosen === prompt}
            sx={{
              justifyContent: "flex-start",
              textAlign: "left",
              fontSize: "0.8125rem",
              lineHeight: 1.45,
              px: 1.25,
              py: 0.875,
              border: 1,
              borderColor: props.chosen === prompt ? "primary.main" : "divider",
              bgcolor: props.chosen === prompt ? "action.selected" : "transparent",
              borderRadius: "7px",
              "&:hover": { bgcolor: "action.hover" },
            }}
          >
            {prompt}
          </ButtonBase>
        ))}
      </Stack>
    </Box>
  );
}

function Choice(props: {
  label: string;
  value: string;
  options: readonly string[];
  onChange: (value: string) => void;
}) {
  return (
    <TextField
      select
      label={props.label}
      value={props.value}
      onChange={(event) => props.onChange(event.target.value)}
    >
      {props.options.map((option) => (
        <MenuItem key={option} value={option}>
          {words(option)}
        </MenuItem>
      ))}
    </TextField>
  );
}

interface AgentChoiceProps {
  field: string;
  label: string;
  part: string;
  value: string;
  agents: Agent[];
  disabled?: boolean;
  onChange: (value: string) => void;
}

export function AgentChoice({ part, agents, ...field }: AgentChoiceProps) {
  const able = agents.filter((agent) => agent.roles.length === 0 || agent.roles.includes(part));
  return (
    <Field select {...field} slotProps={{ select: { displayEmpty: true }, inputLabel: { shrink: true } }}>
      <MenuItem value="">Default</MenuItem>
      {able.map((agent) => (
        <MenuItem key={agent.id} value={agent.id} disabled={!agent.installed}>
          {agent.name}
          {!agent.installed && " · not installed"}
        </MenuItem>
      ))}
    </Field>
  );
}
