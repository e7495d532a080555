// The dialog that adds a project: a repository on the server, or one to clone.

import { ToggleButton, ToggleButtonGroup } from "@mui/material";
import { useState } from "react";
import { useAddProject } from "../../api/actions";
import { useOnce } from "../../api/once";
import type { Project } from "../../api/types";
import { Field, FormDialog } from "../../components/FormDialog";

type Source = "path" | "url";

const PLACES = ["repository_path", "clone_url"];

interface Props {
  onClose: () => void;
  /** What happens with the project; the dialog is closed when it is absent. */
  onAdded?: (project: Project) => void;
}

export function AddProject({ onClose, onAdded = onClose }: Props) {
  const add = useAddProject();
  const [source, setSource] = useState<Source>("path");
  const [where, setWhere] = useState("");
  const [name, setName] = useState("");
  const [branch, setBranch] = useState("");
  const keyOf = useOnce(add);

  const send = () => {
    const project = {
      ...(source === "path" ? { repository_path: where.trim() } : { clone_url: where.trim() }),
      name: name.trim() || undefined,
      default_branch: branch.trim() || undefined,
    };
    add.mutate({ ...project, key: keyOf(project) }, { onSuccess: onAdded });
  };

  return (
    <FormDialog
      title="Add repository"
      action={source === "url" ? "Clone and add" : "Add"}
      canSend={where.trim() !== ""}
      sending={add}
      onSend={send}
      onClose={onClose}
    >
      <ToggleButtonGroup
        exclusive
        size="small"
        value={source}
        onChange={(_, value: Source | null) => value && setSource(value)}
        aria-label="Where the repository is"
      >
        <ToggleButton value="path">On the server</ToggleButton>
        <ToggleButton value="url">Clone from a URL</ToggleButton>
      </ToggleButtonGroup>
      <Field
        key={source}
        field={PLACES}
        autoFocus
        label={source === "path" ? "Path of the repository" : "Clone URL"}
        hint={
          source === "path"
            ? "The absolute path on the machine that runs SpecTask."
            : "It is cloned into SpecTask's data directory."
        }
        placeholder={source === "path" ? "/home/me/src/todo" : "https://example.org/me/todo.git"}
        value={where}
        onChange={setWhere}
      />
      <Field
        field="name"
        label="Name"
        placeholder="Repository name"
        value={name}
        onChange={setName}
        slotProps={{ inputLabel: { shrink: true } }}
      />
      <Field
        field="default_branch"
        label="Base branch"
        placeholder="Current branch"
        value={branch}
        onChange={setBranch}
        slotProps={{ inputLabel: { shrink: true } }}
      />
    </FormDialog>
  );
}
