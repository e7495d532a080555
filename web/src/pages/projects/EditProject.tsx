// A project's settings.

import { Box, Typography } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useEditProject } from "../../api/actions";
import { agentsQuery } from "../../api/queries";
import type { Agent, Project } from "../../api/types";
import { Mono } from "../../components/Code";
import { Field, FormDialog, SelectField } from "../../components/FormDialog";
import {
  type NetworkMode,
  type PermissionPolicy,
  type ProjectSettings,
  settingsInForce,
} from "../../model/settings";
import { useSecretDialogs } from "../settings/Secrets";
import { AgentChoice } from "../tasks/AgentChoice";
import { ProjectSecrets } from "./ProjectSecrets";
import { PromptFilesNote } from "./PromptFiles";
import { SettingsFileNote } from "./SettingsFile";

const POLICIES: [PermissionPolicy, string][] = [
  ["allow", "Auto-allow in worktree"],
  ["ask", "Ask me"],
  ["read_only", "Refuse everything"],
];

const NETWORKS: [NetworkMode | "", string][] = [
  ["", "Server default"],
  ["open", "Open"],
  ["allowlist", "Allowed hosts"],
  ["none", "None; agents reach their model"],
];

const SETUP_RESULTS: ["reuse" | "run", string][] = [
  ["reuse", "Reuse for the same lock files"],
  ["run", "Run the command in every worktree"],
];

/** What happens at a limit of an agent's account: an agent that is not known any more stays a choice. */
const limitOptions = (agents: Agent[], chosen: string): [string, string][] => {
  const takesOver = agents.map((agent): [string, string] => [agent.id, `${agent.name} takes over`]);
  const isKnown = chosen === "" || chosen === "wait" || agents.some((agent) => agent.id === chosen);
  return [
    ["", "As the agent's configuration says"],
    ["wait", "Wait for the end of the limit"],
    ...takesOver,
    ...(isKnown ? [] : [[chosen, `${chosen} takes over`] as [string, string]]),
  ];
};

/** The lines of a text that say something. */
const lines = (text: string) =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);

/** Variables as lines of `NAME=value`. */
const asLines = (variables: Record<string, string | number>) =>
  Object.entries(variables)
    .map(([name, value]) => `${name}=${value}`)
    .join("\n");

/** The variables of lines; one without a sign has no value. */
const variablesOf = (text: string): Record<string, string> =>
  Object.fromEntries(
    lines(text).map((line) => {
      const at = line.indexOf("=");
      return at < 0 ? [line, ""] : [line.slice(0, at).trim(), line.slice(at + 1).trim()];
    }),
  );

/** The resources of lines such as `simulator` or `gpu=2`; what is no number is the server's to refuse. */
const resourcesOf = (text: string): Record<string, number> =>
  Object.fromEntries(
    Object.entries(variablesOf(text)).map(([name, count]) => [name, count === "" ? 1 : Number(count)]),
  );

const isEmpty = (value: unknown) =>
  typeof value === "object" && value !== null && Object.keys(value).length === 0;

/** The settings that were changed: only these are the project's own, and come before its file. An empty list or table is given back. */
function changed(before: ProjectSettings, after: ProjectSettings): Record<string, unknown> {
  const known = new Map<string, unknown>(Object.entries(before));
  const all = Object.entries(after).filter(
    ([name, value]) => JSON.stringify(known.get(name)) !== JSON.stringify(value),
  );
  return Object.fromEntries(all.map(([name, value]) => [name, isEmpty(value) ? null : value]));
}

export function EditProject({ project, onClose }: { project: Project; onClose: () => void }) {
  const agents = useQuery(agentsQuery).data ?? [];
  const edit = useEditProject(project.id);
  // A setting that is the file's is shown with its value, and stays the file's unless it is changed here.
  const settings = settingsInForce(project);
  const [name, setName] = useState(project.name);
  const [key, setKey] = useState(project.key);
  const [branch, setBranch] = useState(project.default_branch);
  const [planner, setPlanner] = useState(settings.spec_agent ?? "");
  const [implementer, setImplementer] = useState(settings.implementation_agent ?? "");
  const [parallel, setParallel] = useState(settings.max_parallel_sessions?.toString() ?? "");
  const [repairs, setRepairs] = useState(settings.repair_rounds?.toString() ?? "");
  const [onLimit, setOnLimit] = useState(settings.on_limit ?? "");
  const [dailyCost, setDailyCost] = useState(settings.daily_cost_usd?.toString() ?? "");
  const [dailyTokens, setDailyTokens] = useState(settings.daily_tokens?.toString() ?? "");
  const [checks, setChecks] = useState((settings.checks ?? []).join("\n"));
  const [setup, setSetup] = useState(settings.setup_command ?? "");
  const [teardown, setTeardown] = useState(settings.teardown_command ?? "");
  const [reuse, setReuse] = useState(settings.setup_cache ?? true);
  const [test, setTest] = useState(settings.test_command ?? "");
  const [boundaries, setBoundaries] = useState((settings.boundaries ?? []).join("\n"));
  const [variables, setVariables] = useState(asLines(settings.env ?? {}));
  const [resources, setResources] = useState(asLines(settings.resources ?? {}));
  const secrets = useSecretDialogs();
  const [network, setNetwork] = useState<NetworkMode | "">(settings.network ?? "");
  const [hosts, setHosts] = useState((settings.network_allow ?? []).join("\n"));
  const [policy, setPolicy] = useState<PermissionPolicy>(settings.permissions ?? "allow");

  const before: ProjectSettings = {
    spec_agent: settings.spec_agent ?? null,
    implementation_agent: settings.implementation_agent ?? null,
    max_parallel_sessions: settings.max_parallel_sessions ?? null,
    repair_rounds: settings.repair_rounds ?? null,
    on_limit: settings.on_limit ?? null,
    daily_cost_usd: settings.daily_cost_usd ?? null,
    daily_tokens: settings.daily_tokens ?? null,
    checks: settings.checks ?? [],
    setup_command: settings.setup_command ?? null,
    teardown_command: settings.teardown_command ?? null,
    setup_cache: settings.setup_cache ?? true,
    test_command: settings.test_command ?? null,
    boundaries: settings.boundaries ?? [],
    env: settings.env ?? {},
    resources: settings.resources ?? {},
    permissions: settings.permissions ?? "allow",
    network: settings.network ?? null,
    network_allow: settings.network_allow ?? [],
  };
  const send = () =>
    edit.mutate(
      {
        name: name.trim(),
        key: key.trim() === project.key ? undefined : key.trim(),
        default_branch: branch.trim() === project.default_branch ? undefined : branch.trim(),
        settings: changed(before, {
          spec_agent: planner || null,
          implementation_agent: implementer || null,
          max_parallel_sessions: parallel ? Number(parallel) : null,
          repair_rounds: repairs ? Number(repairs) : null,
          on_limit: onLimit || null,
          daily_cost_usd: dailyCost ? Number(dailyCost) : null,
          daily_tokens: dailyTokens ? Number(dailyTokens) : null,
          checks: lines(checks),
          setup_command: setup.trim() || null,
          teardown_command: teardown.trim() || null,
          setup_cache: reuse,
          test_command: test.trim() || null,
          boundaries: lines(boundaries),
          env: variablesOf(variables),
          resources: resourcesOf(resources),
          permissions: policy,
          network: network || null,
          network_allow: lines(hosts),
        }),
      },
      { onSuccess: onClose },
    );

  return (
    <>
      <FormDialog
        title={`Settings of ${project.name}`}
        action="Save"
        canSend
        sending={edit}
        onSend={send}
        onClose={onClose}
      >
        <Box sx={{ display: "grid", gap: 2, gridTemplateColumns: { xs: "1fr", sm: "1fr 1fr" } }}>
          <Field field="name" label="Name" value={name} onChange={setName} />
          <Field
            field="key"
            label="Key"
            hint="Short ids of new tasks begin with it, such as SPEC-12."
            value={key}
            onChange={setKey}
          />
          <Field field="default_branch" label="Base branch" value={branch} onChange={setBranch} />
          <AgentChoice
            field="settings.spec_agent"
            label="Planning agent"
            part="planning"
            value={planner}
            agents={agents}
            onChange={setPlanner}
          />
          <AgentChoice
            field="settings.implementation_agent"
            label="Implementation agent"
            part="implementation"
            value={implementer}
            agents={agents}
            onChange={setImplementer}
          />
        </Box>
        {project.settings_file.state === "trusted" && (
          <Typography variant="body2">
            Values that you do not change here come from <Mono>{project.settings_file.path}</Mono> on{" "}
            {project.default_branch}, which you trusted.
          </Typography>
        )}
        <SettingsFileNote project={project} />
        <PromptFilesNote project={project} />
        {/* The answers to questions are sentences, and read whole. */}
        <Box sx={{ display: "grid", gap: 2, gridTemplateColumns: { xs: "1fr", sm: "1fr 2fr" } }}>
          <Field
            field="settings.max_parallel_sessions"
            type="number"
            label="Parallel sessions"
            placeholder="Server default"
            value={parallel}
            onChange={setParallel}
            slotProps={{ htmlInput: { min: 1 }, inputLabel: { shrink: true } }}
          />
          <SelectField
            field="settings.permissions"
            label="Permission requests"
            value={policy}
            options={POLICIES}
            onChange={setPolicy}
          />
        </Box>
        <Box sx={{ display: "grid", gap: 2, gridTemplateColumns: { xs: "1fr", sm: "1fr 2fr" } }}>
          <Field
            field="settings.repair_rounds"
            type="number"
            label="Repair rounds"
            placeholder="Server default"
            value={repairs}
            onChange={setRepairs}
            slotProps={{ htmlInput: { min: 0 }, inputLabel: { shrink: true } }}
          />
          <SelectField
            field="settings.on_limit"
            label="When an agent reaches a limit"
            value={onLimit}
            options={limitOptions(agents, onLimit)}
            onChange={setOnLimit}
            slotProps={{ inputLabel: { shrink: true }, select: { displayEmpty: true } }}
          />
        </Box>
        <Box sx={{ display: "grid", gap: 2, gridTemplateColumns: { xs: "1fr", sm: "1fr 1fr" } }}>
          <Field
            field="settings.daily_cost_usd"
            type="number"
            label="Daily budget in dollars"
            hint="Sessions wait until midnight UTC when it is used up. 0 is no limit."
            placeholder="Server default"
            value={dailyCost}
            onChange={setDailyCost}
            slotProps={{ htmlInput: { min: 0, step: "any" }, inputLabel: { shrink: true } }}
          />
          <Field
            field="settings.daily_tokens"
            type="number"
            label="Daily budget in tokens"
            hint="Input and output tokens. 0 is no limit."
            placeholder="Server default"
            value={dailyTokens}
            onChange={setDailyTokens}
            slotProps={{ htmlInput: { min: 0 }, inputLabel: { shrink: true } }}
          />
        </Box>
        <Field
          field="settings.checks"
          label="Checks"
          hint="One command a line; they run on the finished change, and their results are part of its review."
          multiline
          minRows={2}
          value={checks}
          onChange={setChecks}
          placeholder={"npm test\nnpm run lint"}
          slotProps={{ inputLabel: { shrink: true } }}
        />
        <Field
          field="settings.setup_command"
          label="Setup command"
          hint="Runs in each session's new worktree before the agent, and before checks."
          value={setup}
          onChange={setSetup}
          placeholder="npm ci"
          slotProps={{ inputLabel: { shrink: true } }}
        />
        <Field
          field="settings.test_command"
          label="Test command"
          hint="Prompts to agents name it; it is the check where there are none above."
          value={test}
          onChange={setTest}
          placeholder="npm test"
          slotProps={{ inputLabel: { shrink: true } }}
        />
        <Field
          field="settings.boundaries"
          label="Boundaries"
          hint="One a line: a path that agents must leave as it is, or a rule in words."
          multiline
          minRows={2}
          value={boundaries}
          onChange={setBoundaries}
          placeholder={"migrations/\nDo not add dependencies."}
          slotProps={{ inputLabel: { shrink: true } }}
        />
        <SelectField
          field="settings.setup_cache"
          label="Setup results"
          hint="Reuse copies the folders that git ignores, such as node_modules, into worktrees with the same lock files."
          value={reuse ? "reuse" : "run"}
          options={SETUP_RESULTS}
          onChange={(value) => setReuse(value === "reuse")}
        />
        <Field
          field="settings.teardown_command"
          label="Teardown command"
          hint="Runs in a session's worktree before it is removed."
          value={teardown}
          onChange={setTeardown}
          placeholder="docker compose down"
          slotProps={{ inputLabel: { shrink: true } }}
        />
        <Field
          field="settings.env"
          label="Variables"
          hint="NAME=value, one a line. Agents, setup commands and checks get them; they are no secrets."
          multiline
          minRows={2}
          value={variables}
          onChange={setVariables}
          placeholder={"NODE_ENV=test"}
          slotProps={{ inputLabel: { shrink: true } }}
        />
        <ProjectSecrets project={project.id} onSet={() => secrets.set({ name: "", project: project.id })} />
        <Field
          field="settings.resources"
          label="Resources"
          hint="One a line, with =2 where two sessions may use it at once. Plans name them: _Needs: simulator_"
          multiline
          minRows={2}
          value={resources}
          onChange={setResources}
          placeholder={"simulator\ngpu=2"}
          slotProps={{ inputLabel: { shrink: true } }}
        />
        <SelectField
          field="settings.network"
          label="Network"
          hint="What agents, setup commands and checks reach. Anything but Open needs a sandbox."
          value={network}
          options={NETWORKS}
          onChange={setNetwork}
          slotProps={{ inputLabel: { shrink: true }, select: { displayEmpty: true } }}
        />
        {network !== "open" && network !== "none" && (
          <Field
            field="settings.network_allow"
            label="Allowed hosts"
            hint="One a line: a host, *.host for its subdomains, or an address; with :port unless it is 443 or 80."
            multiline
            minRows={2}
            value={hosts}
            onChange={setHosts}
            placeholder={"example.org\n*.example.org:8443"}
            slotProps={{ inputLabel: { shrink: true } }}
          />
        )}
      </FormDialog>
      {secrets.dialogs}
    </>
  );
}
