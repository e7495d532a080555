// A project's settings.

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
} from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useEditProject } from "../../api/actions";
import { ApiError } from "../../api/client";
import { agentsQuery } from "../../api/queries";
import type { PermissionPolicy, Project } from "../../api/types";
import { ActionError } from "../../components/States";
import { AgentChoice } from "../tasks/CreateDialog";

const POLICIES: [PermissionPolicy, string][] = [
  ["allow", "Allow, in the agent's own worktree"],
  ["ask", "Ask me"],
  ["read_only", "Refuse everything"],
];

export function EditProject({ project, onClose }: { project: Project; onClose: () => void }) {
  const agents = useQuery(agentsQuery).data ?? [];
  const edit = useEditProject(project.id);
  const settings = project.settings ?? {};
  const [name, setName] = useState(project.name);
  const [branch, setBranch] = useState(project.default_branch);
  const [planner, setPlanner] = useState(settings.spec_agent ?? "");
  const [implementer, setImplementer] = useState(settings.implementation_agent ?? "");
  const [parallel, setParallel] = useState(settings.max_parallel_sessions?.toString() ?? "");
  const [checks, setChecks] = useState((settings.checks ?? []).join("\n"));
  const [setup, setSetup] = useState(settings.setup_command ?? "");
  const [policy, setPolicy] = useState<PermissionPolicy>(settings.permissions ?? "allow");
  const fields = edit.error instanceof ApiError ? edit.error.fields : {};

  const submit = (event: FormEvent) => {
    event.preventDefault();
    edit.mutate(
      {
        name: name.trim(),
        default_branch: branch.trim() === project.default_branch ? undefined : branch.trim(),
        settings: {
          spec_agent: planner || null,
          implementation_agent: implementer || null,
          max_parallel_sessions: parallel ? Number(parallel) : null,
          checks: checks
            .split("\n")
            .map((line) => line.trim())
            .filter(Boolean),
          setup_command: setup.trim() || null,
          permissions: policy,
        },
      },
      { onSuccess: onClose },
    );
  };

  return (
    <Dialog open onClose={onClose} maxWidth="sm" fullWidth>
      <form onSubmit={submit}>
        <DialogTitle>Settings of {project.name}</DialogTitle>
        <DialogContent>
          <Stack sx={{ gap: 2, pt: 1 }}>
            <Box sx={{ display: "grid", gap: 2, gridTemplateColumns: { xs: "1fr", sm: "1fr 1fr" } }}>
              <TextField label="Name" value={name} onChange={(event) => setName(event.target.value)} />
              <TextField
                label="Base branch"
                value={branch}
                onChange={(event) => setBranch(event.target.value)}
                error={Boolean(fields.default_branch)}
                helperText={fields.default_branch}
              />
              <AgentChoice
                label="Planning agent"
                part="planning"
                value={planner}
                agents={agents}
                onChange={setPlanner}
                error={fields["settings.spec_agent"]}
              />
              <AgentChoice
                label="Implementation agent"
                part="implementation"
                value={implementer}
                agents={agents}
                onChange={setImplementer}
                error={fields["settings.implementation_agent"]}
              />
              <TextField
                type="number"
                label="Parallel sessions"
                placeholder="As the server"
                value={parallel}
                onChange={(event) => setParallel(event.target.value)}
                error={Boolean(fields["settings.max_parallel_sessions"])}
                helperText={fields["settings.max_parallel_sessions"]}
                slotProps={{ htmlInput: { min: 1 }, inputLabel: { shrink: true } }}
              />
              <TextField
                select
                label="Agents' questions"
                value={policy}
                onChange={(event) => setPolicy(event.target.value as PermissionPolicy)}
              >
                {POLICIES.map(([id, label]) => (
                  <MenuItem key={id} value={id}>
                    {label}
                  </MenuItem>
                ))}
              </TextField>
            </Box>
            <TextField
              label="Checks"
              multiline
              minRows={2}
              value={checks}
              onChange={(event) => setChecks(event.target.value)}
              placeholder={"npm test\nnpm run lint"}
              helperText="One command a line; they run on the finished change, and their results are part of its review."
              slotProps={{ inputLabel: { shrink: true } }}
            />
            <TextField
              label="Set-up command"
              value={setup}
              onChange={(event) => setSetup(event.target.value)}
              placeholder="npm ci"
              helperText="Makes a fresh worktree ready, before the checks."
              slotProps={{ inputLabel: { shrink: true } }}
            />
            <ActionError error={Object.keys(fields).length > 0 ? null : edit.error} />
          </Stack>
        </DialogContent>
        <DialogActions>
          <Button color="inherit" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" variant="contained" loading={edit.isPending}>
            Save
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
