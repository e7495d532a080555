// The settings file of a project's repository: said where it is not used, read and trusted in a dialog.

import { Alert, Box, Button, Typography } from "@mui/material";
import { useState } from "react";
import { useTrustSettings } from "../../api/actions";
import type { Project, SettingsChange } from "../../api/types";
import { Code, Mono } from "../../components/Code";
import { FormDialog } from "../../components/FormDialog";
import { Inline } from "../../components/Inline";

const KINDS: [SettingsChange["kind"], string][] = [
  ["command", "Commands that run on the server"],
  ["loosened", "Limits that become less strict"],
  ["other", "Other settings"],
];

/** Says that a settings file is not used, and what to do; nothing where it is in force or absent. */
export function SettingsFileNote({ project }: { project: Project }) {
  const [isReading, setReading] = useState(false);
  const { state, error } = project.settings_file;
  if (state !== "untrusted" && state !== "invalid") return null;
  return (
    <>
      <Alert
        severity={state === "invalid" ? "error" : "warning"}
        variant="outlined"
        sx={{ mt: 0.5, py: 0, overflowWrap: "anywhere" }}
        action={
          state === "untrusted" && (
            <Button
              color="inherit"
              size="small"
              aria-label={`Review the settings file of ${project.name}`}
              onClick={() => setReading(true)}
            >
              Review
            </Button>
          )
        }
      >
        {state === "untrusted" ? (
          <>
            <Mono>{project.settings_file.path}</Mono> is not used yet: read it and trust it.
          </>
        ) : (
          <Inline text={error ?? ""} />
        )}
      </Alert>
      {isReading && <TrustDialog project={project} onClose={() => setReading(false)} />}
    </>
  );
}

function TrustDialog({ project, onClose }: { project: Project; onClose: () => void }) {
  const trust = useTrustSettings(project.id);
  // What is trusted is what was shown, also when another content arrives meanwhile.
  const [file] = useState(project.settings_file);
  return (
    <FormDialog
      title={`Trust the settings of ${project.name}?`}
      action="Trust and use"
      canSend={file.hash !== null}
      sending={trust}
      onSend={() => file.hash && trust.mutate(file.hash, { onSuccess: onClose })}
      onClose={onClose}
    >
      <Typography variant="body2">
        <Mono>{file.path}</Mono> on {project.default_branch} takes effect when you trust it. When its content
        changes, you are asked again.
      </Typography>
      <Code text={file.content ?? ""} />
      {KINDS.map(([kind, title]) => {
        const changes = file.changes.filter((change) => change.kind === kind);
        return (
          changes.length > 0 && (
            <Box key={kind}>
              <Typography variant="subtitle2" component="h3">
                {title}
              </Typography>
              <Box component="ul" sx={{ m: 0, pl: 2.5 }}>
                {changes.map((change) => (
                  <Typography
                    key={change.setting}
                    component="li"
                    variant="body2"
                    sx={{ overflowWrap: "anywhere" }}
                  >
                    <Mono>{change.setting}</Mono>: <Mono>{JSON.stringify(change.after)}</Mono>
                  </Typography>
                ))}
              </Box>
            </Box>
          )
        );
      })}
    </FormDialog>
  );
}
