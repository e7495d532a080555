// Sets a secret: its name, who gets it, and a value that is not shown.

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useSetSecret } from "../../api/actions";
import { projectsQuery } from "../../api/queries";
import { Field, FormDialog, SelectField } from "../../components/FormDialog";

export interface SecretToSet {
  name: string;
  /** The project that gets it; empty is all projects. */
  project: string;
  /** Whether it is there already, so that its value alone is asked for. */
  isKnown?: boolean;
}

export function SetSecret({ secret, onClose }: { secret: SecretToSet; onClose: () => void }) {
  const set = useSetSecret();
  const projects = useQuery(projectsQuery).data ?? [];
  const [name, setName] = useState(secret.name);
  const [project, setProject] = useState(secret.project);
  const [value, setValue] = useState("");
  const scopes: [string, string][] = [
    ["", "All projects"],
    ...projects.map(({ id, name }): [string, string] => [id, name]),
  ];
  return (
    <FormDialog
      title={secret.isKnown ? `Replace ${secret.name}` : "Set secret"}
      action={secret.isKnown ? "Replace" : "Set secret"}
      canSend={name.trim() !== "" && value !== ""}
      sending={set}
      onSend={() => set.mutate({ name: name.trim(), project, value }, { onSuccess: onClose })}
      onClose={onClose}
    >
      {!secret.isKnown && (
        <>
          <Field
            field="name"
            autoFocus
            label="Name"
            hint="The variable that has the value."
            placeholder="NPM_TOKEN"
            value={name}
            onChange={setName}
            slotProps={{
              htmlInput: { maxLength: 128, spellCheck: false, autoCapitalize: "characters" },
              inputLabel: { shrink: true },
            }}
          />
          <SelectField
            field="project_id"
            label="Given to"
            hint={
              project === ""
                ? "The key of a known agent, such as ANTHROPIC_API_KEY, is given to that agent alone."
                : "Every agent, setup command and check of the project gets it."
            }
            value={project}
            options={scopes}
            onChange={setProject}
            slotProps={{ select: { displayEmpty: true }, inputLabel: { shrink: true } }}
          />
        </>
      )}
      <Field
        field="value"
        autoFocus={secret.isKnown === true}
        type="password"
        label="Value"
        hint="At least 8 characters. It is encrypted, and not shown again."
        value={value}
        onChange={setValue}
        slotProps={{ htmlInput: { autoComplete: "off" } }}
      />
    </FormDialog>
  );
}
