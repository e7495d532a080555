// A project's settings.

import { Box } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useEditProject } from "../../api/actions";
import { agentsQuery } from "../../api/queries";
import type { Project } from "../../api/types";
import { Field, FormDialog, SelectField } from "../../components/FormDialog";
import { type NetworkMode, type PermissionPolicy, settingsOf } from "../../model/settings";
import { AgentChoice } from "../tasks/AgentChoice";

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

/** The lines of a text that say something. */
const lines = (text: string) =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);

export function EditProject({ project, onClose }: { project: Project; onClose: () => void }) {
  const agents = useQuery(agentsQuery).data ?? [];
  const edit = useEditProject(project.id);
  const settings = settingsOf(project);
  const [name, setName] = useState(project.name);
  const [branch, setBranch] = useState(project.default_branch);
  const [planner, setPlanner] = useState(settings.spec_agent ?? "");
  const [implementer, setImplementer] = useState(settings.implementation_agent ?? "");
  const [parallel, setParallel] = useState(settings.max_parallel_sessions?.toString() ?? "");
  const [checks, setChecks] = useState((settings.checks ?? []).join("\n"));
  const [setup, setSetup] = useState(settings.setup_command ?? "");
  const [teardown, setTeardown] = useState(settings.teardown_command ?? "");
  const [reuse, setReuse] = useState(settings.setup_cache ?? true);
  const [network, setNetwork] = useState<NetworkMode | "">(settings.network ?? "");
  const [hosts, setHosts] = useState((settings.network_allow ?? []).join("\n"));
  const [policy, setPolicy] = useState<PermissionPolicy>(settings.permissions ?? "allow");

  const send = () =>
    edit.mutate(
      {
        name: name.trim(),
        default_branch: branch.trim() === project.default_branch ? undefined : branch.trim(),
        settings: {
          spec_agent: planner || null,
          implementation_agent: implementer || null,
          max_parallel_sessions: parallel ? Number(parallel) : null,
          checks: lines(checks),
          setup_command: setup.trim() || null,
          teardown_command: teardown.trim() || null,
          setup_cache: reuse,
          permissions: policy,
          network: network || null,
          network_allow: lines(hosts),
        },
      },
      { onSuccess: onClose },
    );

  return (
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
  );
}
