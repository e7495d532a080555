// Where a task is done: a project, a sample of which there is no project yet, or a repository that is added now.

import { Divider, ListSubheader, MenuItem } from "@mui/material";
import { useState } from "react";
import type { DemoRepo, Project } from "../../api/types";
import { Field } from "../../components/FormDialog";
import { settingsOf } from "../../model/settings";
import { AddProject } from "../projects/AddProject";

const FIELDS = ["project_id", "demo_repo"];
const ADD = "add:";
/** Stands before the id of a sample. */
export const SAMPLE = "sample:";

interface Props {
  projects: Project[];
  samples: DemoRepo[];
  value: string;
  onChange: (value: string) => void;
  hint?: string;
}

export function RepositoryChoice({ projects, samples, value, onChange, hint }: Props) {
  const [isAdding, setAdding] = useState(false);
  const others = samplesWithoutProject(samples, projects);
  return (
    <>
      <Field
        field={FIELDS}
        select
        label="Repository"
        hint={hint}
        value={value}
        onChange={(chosen) => (chosen === ADD ? setAdding(true) : onChange(chosen))}
      >
        {projects.map((each) => (
          <MenuItem key={each.id} value={each.id}>
            {each.name}
            {settingsOf(each).sample && " · sample"}
          </MenuItem>
        ))}
        {others.length > 0 && <ListSubheader>Sample repositories</ListSubheader>}
        {others.map((each) => (
          <MenuItem key={each.id} value={SAMPLE + each.id}>
            {each.name}
          </MenuItem>
        ))}
        {value === "" && <MenuItem value="" sx={{ display: "none" }} />}
        <Divider />
        <MenuItem value={ADD}>Add repository…</MenuItem>
      </Field>
      {isAdding && (
        <AddProject
          onClose={() => setAdding(false)}
          onAdded={(project) => {
            setAdding(false);
            onChange(project.id);
          }}
        />
      )}
    </>
  );
}

/** The samples that no project was made from. */
export function samplesWithoutProject(samples: DemoRepo[], projects: Project[]): DemoRepo[] {
  return samples.filter((sample) => !projects.some((project) => settingsOf(project).sample === sample.id));
}
