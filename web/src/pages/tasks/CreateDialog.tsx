// The dialog that makes a task: where, what, how much it matters, and who does it.

import { Box, Button, FormControlLabel, Switch, Typography } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useCreateTask } from "../../api/actions";
import { useOnce } from "../../api/once";
import {
  agentsQuery,
  lastProjectQuery,
  projectsQuery,
  samplesQuery,
  templatesQuery,
} from "../../api/queries";
import type { Complexity, Priority, TaskType } from "../../api/types";
import { AttachButton, ChosenFiles, takesFiles, useFiles } from "../../components/AttachFiles";
import { Fold } from "../../components/Fold";
import { Field, FormDialog, SelectField } from "../../components/FormDialog";
import { OptionFields } from "../../components/OptionFields";
import { agentFor, isListed, type OptionValues, ruleOf } from "../../model/agentOptions";
import { useDraft } from "../../model/drafts";
import { settingsOf } from "../../model/settings";
import { canBePlanned, PRIORITIES, TASK_TYPES, words } from "../../model/status";
import { SettingsFileNote } from "../projects/SettingsFile";
import { AgentChoice } from "./AgentChoice";
import { hasDefaultAgents, NoAgent } from "./NoAgent";
import { Prompts } from "./Prompts";
import { RepositoryChoice, SAMPLE, samplesWithoutProject } from "./RepositoryChoice";
import { TemplateChoice } from "./TemplateChoice";

const COMPLEXITIES: [Complexity, string][] = [
  ["simple", "Simple · one session"],
  ["complex", "Complex · several sessions"],
];

interface Draft {
  place: string;
  prompt: string;
  type: TaskType;
  priority: Priority;
  complexity: Complexity;
  planner: string;
  implementer: string;
  template: string;
  itemLines: string;
  isPlannedFirst: boolean;
  plannerOptions: OptionValues;
  implementerOptions: OptionValues;
}

/** The values of the form; they are kept until a task is created from them. */
const EMPTY: Draft = {
  place: "",
  prompt: "",
  type: "feature",
  priority: "medium",
  complexity: "complex",
  planner: "",
  implementer: "",
  template: "",
  itemLines: "",
  isPlannedFirst: true,
  plannerOptions: {},
  implementerOptions: {},
};

export function CreateDialog({ project, onClose }: { project?: string; onClose: () => void }) {
  const navigate = useNavigate();
  const projects = useQuery(projectsQuery);
  const samples = useQuery(samplesQuery);
  const lastProject = useQuery(lastProjectQuery);
  const agents = useQuery(agentsQuery);
  const create = useCreateTask();
  const [form, setForm, forget] = useDraft("new-task", EMPTY);
  const { prompt, type, priority, complexity, planner, implementer, template, itemLines, isPlannedFirst } =
    form;
  const set = (change: Partial<Draft>) => setForm({ ...form, ...change });
  const keyOf = useOnce(create);
  const attached = useFiles();

  const known = projects.data ?? [];
  const others = samplesWithoutProject(samples.data ?? [], known);
  const isThere = (place: string) =>
    place.startsWith(SAMPLE)
      ? others.some((each) => SAMPLE + each.id === place)
      : known.some((each) => each.id === place);
  // The project of the address, else that of the last task, else the first one.
  const place =
    [project ?? form.place, form.place, lastProject.data ?? "", known[0]?.id ?? ""].find(isThere) ??
    (lastProject.isPending || !others[0] ? "" : SAMPLE + others[0].id);

  const sample = place.startsWith(SAMPLE)
    ? samples.data?.find((each) => each.id === place.slice(SAMPLE.length))
    : undefined;
  const ownSample = settingsOf(known.find((each) => each.id === place)).sample;
  const suggestions = sample ?? samples.data?.find((each) => each.id === ownSample);
  const templates = useQuery({ ...templatesQuery(sample || !place ? undefined : place) }).data ?? [];
  const pattern = templates.find((each) => each.name === template);
  const items = itemLines
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
  const hasReadyPlan = Boolean(pattern?.start);
  const choose = (name: string) => {
    const chosen = templates.find((each) => each.name === name);
    set({
      template: name,
      ...(chosen && {
        type: chosen.type,
        priority: chosen.priority,
        complexity: chosen.complexity,
        isPlannedFirst: chosen.planning || Boolean(chosen.start),
      }),
    });
  };
  const plans = canBePlanned(type) && isPlannedFirst && !hasReadyPlan;
  const chosenProject = known.find((each) => each.id === place);
  const inForce = (name: string) => chosenProject?.effective_settings[name]?.value;
  const isChosen =
    (implementer || inForce("implementation_agent")) && (!plans || planner || inForce("spec_agent"));
  const hasNoAgent =
    agents.data !== undefined &&
    place !== "" &&
    !suggestions &&
    !isChosen &&
    !hasDefaultAgents(agents.data, plans);
  const id = (part: "spec_agent" | "implementation_agent", chosen: string) =>
    chosen || String(inForce(part) ?? "");
  const planningAgent = plans
    ? agentFor(agents.data ?? [], "planning", id("spec_agent", planner))
    : undefined;
  const builder = agentFor(agents.data ?? [], "implementation", id("implementation_agent", implementer));
  // A draft that was kept by an earlier version has none.
  const plannerOptions = form.plannerOptions ?? {};
  const implementerOptions = form.implementerOptions ?? {};
  const rules = [
    ...ruleOf("planning", planningAgent, plannerOptions),
    ...ruleOf("implementation", builder, implementerOptions),
  ];
  const hasOptions = [planningAgent, builder].some((agent) => agent?.options.some(isListed));
  const needsItems = Boolean(pattern?.takes_items) && items.length === 0;
  const canSend = prompt.trim() !== "" && place !== "" && !needsItems && !hasNoAgent;

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
      planning: canBePlanned(type) && !isPlannedFirst ? false : undefined,
      agent_options: rules.length > 0 ? rules : undefined,
    };
    const task = sample
      ? ({ from: "demo", body: { ...common, demo_repo: sample.id } } as const)
      : ({ from: "prompt", body: { ...common, project_id: place }, files: attached.files } as const);
    create.mutate(
      { ...task, key: keyOf(task) },
      {
        onSuccess: (made) => {
          forget();
          void navigate({ to: "/tasks/$taskId", params: { taskId: made.id } });
        },
      },
    );
  };

  return (
    <FormDialog
      title="New task"
      action="Create and start"
      hint="Ctrl+Enter creates it. What you type is kept as a draft."
      canSend={canSend}
      sending={create}
      error={projects.error ?? samples.error}
      onSend={send}
      onClose={onClose}
      keepsDraft
      extra={
        prompt.trim() !== "" && (
          <Button color="inherit" onClick={forget}>
            Clear draft
          </Button>
        )
      }
    >
      <RepositoryChoice
        projects={known}
        samples={samples.data ?? []}
        hint={sample?.description}
        value={place}
        onChange={(chosen) => set({ place: chosen })}
      />
      {chosenProject && <SettingsFileNote project={chosenProject} />}
      {hasNoAgent && (
        <NoAgent agents={agents.data ?? []} onBuiltIn={(id) => set({ planner: id, implementer: id })} />
      )}
      <Box {...(sample ? {} : takesFiles(attached.add))}>
        <Field
          field="prompt"
          label="What should the agents do?"
          multiline
          minRows={4}
          maxRows={12}
          autoFocus
          value={prompt}
          onChange={(value) => set({ prompt: value })}
          placeholder="Add user accounts with email and password, so that every person sees only their own todos."
        />
        {!sample && (
          <>
            <Box sx={{ display: "flex", alignItems: "center" }}>
              <AttachButton onChoose={attached.add} />
              <Typography variant="caption" color="textSecondary">
                Attach or drop images and files that belong to the prompt
              </Typography>
            </Box>
            <ChosenFiles {...attached} />
          </>
        )}
      </Box>
      {suggestions && (
        <Prompts
          sample={suggestions}
          type={type}
          chosen={prompt}
          onChoose={(chosen) => set({ prompt: chosen })}
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
          onChange={(value) => set({ itemLines: value })}
        />
      )}
      <Box sx={{ display: "grid", gap: 2, gridTemplateColumns: { xs: "1fr", sm: "1fr 1fr 1.55fr" } }}>
        <SelectField
          field="type"
          label="Type"
          value={type}
          options={TASK_TYPES.map((each) => [each, words(each)])}
          onChange={(type) => set({ type })}
        />
        <SelectField
          field="priority"
          label="Priority"
          value={priority}
          options={PRIORITIES.map((each) => [each, words(each)])}
          onChange={(priority) => set({ priority })}
        />
        <SelectField
          field="complexity"
          label="Complexity"
          value={complexity}
          disabled={!canBePlanned(type) || !isPlannedFirst}
          options={COMPLEXITIES}
          onChange={(complexity) => set({ complexity })}
        />
      </Box>
      <Box sx={{ display: "grid", gap: 2, gridTemplateColumns: { xs: "1fr", sm: "1fr 1fr" } }}>
        <AgentChoice
          field="spec_agent"
          label="Planning agent"
          part="planning"
          value={planner}
          onChange={(value) => set({ planner: value })}
          agents={agents.data ?? []}
          disabled={!plans}
        />
        <AgentChoice
          field="implementation_agent"
          label="Implementation agent"
          part="implementation"
          value={implementer}
          onChange={(value) => set({ implementer: value })}
          agents={agents.data ?? []}
        />
      </Box>
      {hasOptions && (
        <Fold label="Agent options" quiet startOpen={rules.length > 0}>
          <Box
            sx={{ display: "grid", gap: 2, pt: 1, ml: -2, gridTemplateColumns: { xs: "1fr", sm: "1fr 1fr" } }}
          >
            {planningAgent && (
              <OptionFields
                options={planningAgent.options}
                values={plannerOptions}
                unchosen="As configured"
                prefix="Planning: "
                onChange={(option, value) =>
                  set({ plannerOptions: withOption(plannerOptions, option, value) })
                }
              />
            )}
            {builder && (
              <OptionFields
                options={builder.options}
                values={implementerOptions}
                unchosen="As configured"
                prefix="Implementation: "
                onChange={(option, value) =>
                  set({ implementerOptions: withOption(implementerOptions, option, value) })
                }
              />
            )}
          </Box>
        </Fold>
      )}
      {canBePlanned(type) && !hasReadyPlan && (
        <FormControlLabel
          control={
            <Switch
              size="small"
              checked={isPlannedFirst}
              onChange={(event) => set({ isPlannedFirst: event.target.checked })}
            />
          }
          label={
            <Typography variant="body2">
              Plan before coding
              <Typography
                component="span"
                variant="caption"
                color="textSecondary"
                sx={{ display: { xs: "block", sm: "inline" }, ml: { sm: 1 } }}
              >
                {isPlannedFirst ? "You review the plan before work begins" : "Skip planning"}
              </Typography>
            </Typography>
          }
          sx={{ ml: 0, gap: 1 }}
        />
      )}
      {!canBePlanned(type) && (
        <Typography variant="caption" color="textSecondary">
          {type === "interactive"
            ? "A conversation: an agent begins at once, and waits for you after each turn until you close it."
            : "No plan: an agent begins at once, and you review the change when it is done."}
        </Typography>
      )}
    </FormDialog>
  );
}

/** The options with another value of one of them, or without it. */
function withOption(options: OptionValues, id: string, value: string | boolean | undefined): OptionValues {
  const { [id]: _, ...others } = options;
  return value === undefined ? others : { ...others, [id]: value };
}
