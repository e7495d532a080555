// The projects: repositories and how agents work in them.

import AddRounded from "@mui/icons-material/AddRounded";
import DeleteOutlineRounded from "@mui/icons-material/DeleteOutlineRounded";
import SettingsOutlined from "@mui/icons-material/SettingsOutlined";
import { Box, Button, IconButton, Stack, Tooltip, Typography } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useRemoveProject } from "../api/actions";
import { projectsQuery } from "../api/queries";
import type { Project } from "../api/types";
import { Mono } from "../components/Code";
import { Confirm } from "../components/Confirm";
import { LinkButton } from "../components/links";
import { Page } from "../components/Page";
import { Empty, Failed, Rows } from "../components/States";
import { settingsOf } from "../model/settings";
import { AddProject } from "./projects/AddProject";
import { EditProject } from "./projects/EditProject";
import { ProjectUsage } from "./projects/ProjectUsage";
import { PromptFilesNote } from "./projects/PromptFiles";
import { SettingsFileNote } from "./projects/SettingsFile";

type Dialog = { of: "add" } | { of: "edit" | "remove"; project: Project } | null;

export function ProjectsPage() {
  const query = useQuery(projectsQuery);
  const [dialog, setDialog] = useState<Dialog>(null);
  const remove = useRemoveProject();
  const projects = query.data ?? [];
  const add = (
    <Button variant="contained" startIcon={<AddRounded />} onClick={() => setDialog({ of: "add" })}>
      Add repository
    </Button>
  );
  const close = () => {
    remove.reset();
    setDialog(null);
  };

  return (
    <Page title="Projects" lead="Your repositories." actions={projects.length > 0 ? add : undefined}>
      {query.isPending ? (
        <Rows count={4} height={72} />
      ) : query.isError && !query.data ? (
        <Failed error={query.error} retry={() => void query.refetch()} />
      ) : projects.length === 0 ? (
        <Empty title="No projects yet" action={add}>
          Add a repository that is on the server, or one to clone. To look around first, make a task on a
          sample repository.
        </Empty>
      ) : (
        <Stack
          role="list"
          sx={{ border: 1, borderColor: "divider", borderRadius: 1, bgcolor: "background.paper" }}
        >
          {projects.map((project) => (
            <Row
              key={project.id}
              project={project}
              onEdit={() => setDialog({ of: "edit", project })}
              onRemove={() => setDialog({ of: "remove", project })}
            />
          ))}
        </Stack>
      )}
      {dialog?.of === "add" && <AddProject onClose={close} />}
      {dialog?.of === "edit" && <EditProject project={dialog.project} onClose={close} />}
      <Confirm
        open={dialog?.of === "remove"}
        title={dialog?.of === "remove" ? `Remove ${dialog.project.name}?` : "Remove the project?"}
        action="Remove"
        busy={remove.isPending}
        error={remove.error}
        onClose={close}
        onConfirm={() => dialog?.of === "remove" && remove.mutate(dialog.project.id, { onSuccess: close })}
      >
        Removes the project{dialog?.of === "remove" && ` ${dialog.project.name}`} from SpecTask. Your
        repository isn't touched.
      </Confirm>
    </Page>
  );
}

function Row({ project, onEdit, onRemove }: { project: Project; onEdit: () => void; onRemove: () => void }) {
  return (
    <Stack
      role="listitem"
      direction="row"
      sx={{
        alignItems: { xs: "center", sm: "flex-start" },
        // On a phone the buttons stand below the name.
        flexWrap: { xs: "wrap", sm: "nowrap" },
        gap: 1,
        px: 2,
        py: 1.25,
        "& + &": { borderTop: 1, borderColor: "divider" },
      }}
    >
      <Box sx={{ flex: { xs: "1 0 100%", sm: 1 }, minWidth: 0 }}>
        <Typography variant="body2" sx={{ fontWeight: 600 }}>
          {project.name}
          <Typography component="span" variant="caption" color="textSecondary" sx={{ ml: 1 }}>
            {project.default_branch}
            {settingsOf(project).sample && " · sample"}
          </Typography>
        </Typography>
        <Typography
          variant="caption"
          color="textSecondary"
          component="p"
          noWrap
          title={project.repository_path}
        >
          <Mono>{project.clone_url ?? project.repository_path}</Mono>
        </Typography>
        <ProjectUsage project={project.id} />
        <SettingsFileNote project={project} />
        <PromptFilesNote project={project} />
      </Box>
      <LinkButton
        variant="text"
        color="inherit"
        to="/tasks"
        search={{ project: project.id }}
        sx={{ ml: { xs: -1, sm: 0 }, mr: { xs: "auto", sm: 0 } }}
      >
        Tasks
      </LinkButton>
      <LinkButton
        variant="outlined"
        color="inherit"
        to="/tasks"
        search={{ project: project.id, create: true }}
      >
        New task
      </LinkButton>
      <Tooltip title="Settings">
        <IconButton aria-label={`Settings of ${project.name}`} onClick={onEdit}>
          <SettingsOutlined fontSize="small" />
        </IconButton>
      </Tooltip>
      <Tooltip title="Remove">
        <IconButton aria-label={`Remove ${project.name}`} onClick={onRemove}>
          <DeleteOutlineRounded fontSize="small" />
        </IconButton>
      </Tooltip>
    </Stack>
  );
}
