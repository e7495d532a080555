// The first steps: an agent, a repository, a prompt.

import CheckCircleRounded from "@mui/icons-material/CheckCircleRounded";
import RadioButtonUncheckedRounded from "@mui/icons-material/RadioButtonUncheckedRounded";
import { Box, Button, Stack, TextField, Typography } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, type SyntheticEvent, useState } from "react";
import { useAddProject, useDetectRepository } from "../../api/actions";
import { useOnce } from "../../api/once";
import { agentsQuery, projectsQuery } from "../../api/queries";
import type { Agent, DetectedRepository, Project } from "../../api/types";
import { ActionButton } from "../../components/Action";
import { Mono } from "../../components/Code";
import { Command } from "../../components/Command";
import { LinkButton, TextLink } from "../../components/links";
import { ActionError, Failed, Rows } from "../../components/States";
import { settingsOf } from "../../model/settings";
import { SettingsFileNote } from "../projects/SettingsFile";

export function FirstRun() {
  const agents = useQuery(agentsQuery);
  const projects = useQuery(projectsQuery);
  if (agents.isPending || projects.isPending) return <Rows count={3} height={96} />;
  const failed = [agents, projects].find((query) => query.isError && !query.data);
  if (failed) return <Failed error={failed.error} retry={() => void failed.refetch()} />;
  const own = (projects.data ?? []).filter((project) => !settingsOf(project).sample);
  return (
    <Box sx={{ maxWidth: 720, mx: "auto", py: 3 }}>
      <Typography variant="h3" component="h2">
        No tasks yet
      </Typography>
      <Typography variant="body2" color="textSecondary" sx={{ mt: 0.5, mb: 2 }}>
        Describe what is to be built in a sentence. An agent plans it, you review the plan, a crew of agents
        carries it out, and you review the change. To look around first,{" "}
        <TextLink to="/tasks" search={{ create: true }}>
          try it on a sample repository
        </TextLink>
        : a scripted agent plays the whole job there, without a key.
      </Typography>
      <Stack component="ol" sx={{ listStyle: "none", m: 0, p: 0, gap: 2 }}>
        <AgentStep agents={agents.data ?? []} />
        <RepositoryStep projects={own} />
        <Step title="Write a prompt" isDone={false}>
          <LinkButton variant="contained" to="/tasks" search={{ create: true }}>
            Create the first task
          </LinkButton>
        </Step>
      </Stack>
    </Box>
  );
}

function Step({ title, isDone, children }: { title: string; isDone: boolean; children: ReactNode }) {
  const Icon = isDone ? CheckCircleRounded : RadioButtonUncheckedRounded;
  return (
    <Box
      component="li"
      sx={{ border: 1, borderColor: "divider", borderRadius: 1, p: 2, bgcolor: "background.paper" }}
    >
      <Stack direction="row" sx={{ alignItems: "center", gap: 1, mb: 1 }}>
        <Icon
          fontSize="small"
          color={isDone ? "success" : "disabled"}
          titleAccess={isDone ? "Done" : "To do"}
        />
        <Typography variant="subtitle2" component="h3">
          {title}
        </Typography>
      </Stack>
      {children}
    </Box>
  );
}

/** How many agents are named before a person asks for all. */
const SHOWN_AGENTS = 3;

function AgentStep({ agents }: { agents: Agent[] }) {
  const [isWhole, setWhole] = useState(false);
  const found = agents.filter((agent) => agent.installed && agent.kind !== "built_in");
  const others = agents.filter((agent) => !agent.installed && agent.install_command);
  return (
    <Step title="Install a coding agent" isDone={found.length > 0}>
      {found.length > 0 ? (
        <Box component="ul" sx={{ m: 0, pl: 2.5 }}>
          {found.map((agent) => (
            <Typography key={agent.id} component="li" variant="body2">
              {agent.name}
              {agent.auth_needed && " needs a login"}
              {agent.message && `: ${agent.message}`}
            </Typography>
          ))}
        </Box>
      ) : (
        <>
          <Typography variant="body2" sx={{ mb: 1 }}>
            None was found on the server. Install one of these, sign in to it, then reload this page.
          </Typography>
          {others.slice(0, isWhole ? others.length : SHOWN_AGENTS).map((agent) => (
            <Box key={agent.id} sx={{ mb: 0.5 }}>
              <Typography variant="caption" color="textSecondary">
                {agent.name}
              </Typography>
              <Command
                text={agent.install_command ?? ""}
                label={`Copy the command that installs ${agent.name}`}
              />
            </Box>
          ))}
          <Stack direction="row" sx={{ gap: 2, alignItems: "center" }}>
            {!isWhole && others.length > SHOWN_AGENTS && (
              <Button variant="text" color="inherit" sx={{ ml: -1.5 }} onClick={() => setWhole(true)}>
                {`Show all ${others.length}`}
              </Button>
            )}
            <TextLink to="/agents">How to sign in to each</TextLink>
          </Stack>
        </>
      )}
    </Step>
  );
}

function RepositoryStep({ projects }: { projects: Project[] }) {
  return (
    <Step title="Add a repository" isDone={projects.length > 0}>
      {projects.length > 0 ? (
        <Stack sx={{ gap: 1 }}>
          {projects.map((project) => (
            <Box key={project.id} sx={{ overflowWrap: "anywhere" }}>
              <Typography variant="body2">
                {project.name} <Mono>{project.repository_path}</Mono>
              </Typography>
              <SettingsFileNote project={project} />
            </Box>
          ))}
        </Stack>
      ) : (
        <AddRepository />
      )}
    </Step>
  );
}

function AddRepository() {
  const detect = useDetectRepository();
  const [path, setPath] = useState("");
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    if (path.trim()) detect.mutate(path.trim());
  };
  return (
    <Stack sx={{ gap: 1.5 }}>
      <Typography variant="body2">
        In a terminal, run <Mono>spectask init</Mono> in the repository. Or name its path here:
      </Typography>
      <Stack
        component="form"
        direction={{ xs: "column", sm: "row" }}
        onSubmit={submit}
        sx={{ gap: 1, alignItems: { sm: "flex-start" } }}
      >
        <TextField
          label="Path of the repository"
          placeholder="/home/me/src/todo"
          helperText="The absolute path on the machine that runs SpecTask."
          value={path}
          onChange={(event) => setPath(event.target.value)}
          sx={{ flex: 1 }}
        />
        <ActionButton
          type="submit"
          variant="outlined"
          color="inherit"
          loading={detect.isPending}
          disabled={!path.trim()}
        >
          Look at it
        </ActionButton>
      </Stack>
      <ActionError error={detect.error} />
      {detect.data && <Found found={detect.data} />}
    </Stack>
  );
}

function Found({ found }: { found: DetectedRepository }) {
  const add = useAddProject();
  const keyOf = useOnce(add);
  const { languages, setup_command, checks, unreadable_manifests } = found.detection;
  const send = () => {
    // A file of the repository says more than what was detected.
    const settings = found.has_settings_file ? undefined : { setup_command, checks };
    const project = {
      repository_path: found.repository_path,
      default_branch: found.base_branch,
      settings,
    };
    add.mutate({ ...project, key: keyOf(project) });
  };
  const rows: [string, string][] = [
    ["Base branch", found.base_branch],
    ["Languages", languages.join(", ") || "none found"],
    ["Setup", setup_command ?? "none found"],
    ["Checks", checks.join("\n") || "none found"],
    ...unreadable_manifests.map(({ path, error }): [string, string] => ["Unreadable", `${path}: ${error}`]),
  ];
  return (
    <Box role="status" aria-label="What was found">
      <Box
        component="dl"
        sx={{ m: 0, display: "grid", gridTemplateColumns: "auto 1fr", columnGap: 2, rowGap: 0.5 }}
      >
        {rows.map(([name, value]) => (
          <Box key={`${name} ${value}`} sx={{ display: "contents" }}>
            <Typography component="dt" variant="body2" color="textSecondary">
              {name}
            </Typography>
            <Typography
              component="dd"
              variant="body2"
              sx={{ m: 0, overflowWrap: "anywhere", whiteSpace: "pre-line" }}
            >
              {value}
            </Typography>
          </Box>
        ))}
      </Box>
      <Typography variant="caption" color="textSecondary" component="p" sx={{ my: 1 }}>
        {found.has_settings_file
          ? "The repository has a settings file; you read and trust it after it is added."
          : "The commands become the project's settings; they run on the server and can be changed."}
      </Typography>
      {found.project_id ? (
        <Typography variant="body2">It is a project already.</Typography>
      ) : (
        <ActionButton variant="contained" loading={add.isPending} onClick={send}>
          Add this repository
        </ActionButton>
      )}
      <ActionError error={add.error} />
    </Box>
  );
}
