// The dialog that makes a task: where, what, how much it matters, and who does it.

import {
  Box,
  Button,
  ButtonBase,
  Dialog,
  DialogActions,
  DialogContent,
  DialogTitle,
  FormControlLabel,
  ListSubheader,
  MenuItem,
  Stack,
  Switch,
  TextField,
  Typography,
  useMediaQuery,
} from "@mui/material";
import { useTheme } from "@mui/material/styles";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { useCreateTask } from "../../api/actions";
import { ApiError, newKey } from "../../api/client";
import { agentsQuery, projectsQuery, samplesQuery, templatesQuery } from "../../api/queries";
import type { Agent, Complexity, DemoRepo, Priority, TaskType } from "../../api/types";
import { ActionError } from "../../components/States";
import { isPlanned, PRIORITIES, TASK_TYPES, words } from "../../model/status";
import { TemplateChoice } from "./TemplateChoice";

interface Props {
  open: boolean;
  project?: string;
  onClose: () => void;
}

export function CreateDialog({ open, project, onClose }: Props) {
  const isNarrow = useMediaQuery(useTheme().breakpoints.down("sm"));
  return (
    <Dialog open={open} onClose={onClose} maxWidth="sm" fullWidth fullScreen={isNarrow}>
      {open && <Form project={project} onClose={onClose} />}
    </Dialog>
  );
}

const SAMPLE = "sample:";

function Form({ project, onClose }: Omit<Props, "open">) {
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
  // The same words sent twice make one task.
  const key = useRef({ body: "", key: "" });

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
  const fields = create.error instanceof ApiError ? create.error.fields : {};
  const shownApart = [
    "prompt",
    "project_id",
    "demo_repo",
    "spec_agent",
    "implementation_agent",
    "template",
    "items",
  ];
  const general = Object.keys(fields).some((field) => shownApart.includes(field)) ? null : create.error;
  const needsItems = Boolean(pattern?.takes_items) && items.length === 0;
  const canSend = prompt.trim() !== "" && place !== "" && !needsItems && !create.isPending;

  const submit = () => {
    if (!canSend) return;
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
    const body = JSON.stringify(task);
    if (key.current.body !== body) key.current = { body, key: newKey() };
    create.mutate(
      { ...task, key: key.current.key },
      { onSuccess: (made) => void navigate({ to: "/tasks/$taskId", params: { taskId: made.id } }) },
    );
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.key === "Enter" && (event.metaKey || event.ctrlKey)) submit();
  };

  return (
    <>
      <DialogTitle>New task</DialogTitle>
      <DialogContent onKeyDown={onKey}>
        <Stack sx={{ gap: 2, pt: 1 }}>
          <TextField
            select
            label="Repository"
            value={place}
            onChange={(event) => setPlace(event.target.value)}
            error={Boolean(fields.project_id ?? fields.demo_repo)}
            helperText={fields.project_id ?? fields.demo_repo ?? sample?.description}
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
          </TextField>
          <TextField
            label="What is to be done?"
            multiline
            minRows={4}
            maxRows={12}
            autoFocus
            value={prompt}
            onChange={(event) => setPrompt(event.target.value)}
            error={Boolean(fields.prompt)}
            helperText={fields.prompt}
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
          <TemplateChoice
            templates={templates}
            value={pattern ? template : ""}
            error={fields.template}
            onChange={choose}
          />
          {pattern?.takes_items && (
            <TextField
              label={items.length > 0 ? `Items (${items.length})` : "Items"}
              multiline
              minRows={3}
              maxRows={10}
              value={itemLines}
              onChange={(event) => setItemLines(event.target.value)}
              error={Boolean(fields.items)}
              helperText={fields.items ?? "One in each line; each becomes a planned task"}
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
              label="Planning agent"
              part="planning"
              value={planner}
              onChange={setPlanner}
              agents={agents}
              error={fields.spec_agent}
              disabled={!isPlanned(type) || !isPlannedFirst || hasReadyPlan}
            />
            <AgentChoice
              label="Implementation agent"
              part="implementation"
              value={implementer}
              onChange={setImplementer}
              agents={agents}
              error={fields.implementation_agent}
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
                  <Typography component="span" variant="caption" color="textSecondary" sx={{ ml: 1 }}>
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
          <ActionError error={projects.error ?? samples.error ?? general} />
        </Stack>
      </DialogContent>
      <DialogActions>
        <Typography
          variant="caption"
          color="textSecondary"
          sx={{ flex: 1, display: { xs: "none", sm: "block" } }}
        >
          Ctrl + Enter creates it
        </Typography>
        <Button color="inherit" onClick={onClose}>
          Cancel
        </Button>
        <Button variant="contained" onClick={submit} disabled={!canSend} loading={create.isPending}>
          Create and start
        </Button>
      </DialogActions>
    </>
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
  label: string;
  part: string;
  value: string;
  agents: Agent[];
  error?: string;
  disabled?: boolean;
  onChange: (value: string) => void;
}

export function AgentChoice({ label, part, value, agents, error, disabled, onChange }: AgentChoiceProps) {
  const able = agents.filter((agent) => agent.roles.length === 0 || agent.roles.includes(part));
  return (
    <TextField
      select
      label={label}
      value={value}
      disabled={disabled}
      onChange={(event) => onChange(event.target.value)}
      error={Boolean(error)}
      helperText={error}
      slotProps={{ select: { displayEmpty: true }, inputLabel: { shrink: true } }}
    >
      <MenuItem value="">Default</MenuItem>
      {able.map((agent) => (
        <MenuItem key={agent.id} value={agent.id} disabled={!agent.installed}>
          {agent.name}
          {!agent.installed && " · not installed"}
        </MenuItem>
      ))}
    </TextField>
  );
}
