// The prompts that a project's repository overrides: said where they are not used, read and trusted in a dialog.

import {
  Alert,
  Box,
  Button,
  Dialog,
  DialogActions,
  DialogContent,
  DialogTitle,
  Stack,
  Typography,
  useMediaQuery,
} from "@mui/material";
import { useTheme } from "@mui/material/styles";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTrustPrompt } from "../../api/actions";
import { projectPromptsQuery } from "../../api/queries";
import type { Project, ProjectPrompts, Prompt } from "../../api/types";
import { ActionButton, OfflineNote } from "../../components/Action";
import { Code, Mono, MonoFile } from "../../components/Code";
import { DiffLines } from "../../components/DiffLines";
import { Fold } from "../../components/Fold";
import { Status } from "../../components/Glyph";
import { Inline } from "../../components/Inline";
import { ActionError } from "../../components/States";
import { textChange } from "../../model/diff";

type Overridden = Prompt & { file: NonNullable<Prompt["file"]> };

const overridden = ({ prompts }: ProjectPrompts) =>
  prompts.filter((prompt): prompt is Overridden => prompt.file !== null);

/** Says that files of prompts are not used, and what to do; nothing where all are in force or there is none. */
export function PromptFilesNote({ project }: { project: Project }) {
  const [isReading, setReading] = useState(false);
  const found = useQuery(projectPromptsQuery(project.id)).data;
  if (!found) return null;
  const files = overridden(found).map((prompt) => prompt.file);
  const untrusted = files.filter((file) => file.state === "untrusted");
  const unusable = [...files.filter((file) => file.state === "invalid"), ...found.unknown_files];
  if (!isReading && untrusted.length + unusable.length === 0) return null;
  return (
    <>
      {untrusted.length > 0 && (
        <Alert
          severity="warning"
          variant="outlined"
          sx={{ mt: 0.5, py: 0, overflowWrap: "anywhere" }}
          action={
            <Button
              color="inherit"
              size="small"
              aria-label={`Review the prompts of ${project.name}`}
              onClick={() => setReading(true)}
            >
              Review
            </Button>
          }
        >
          {untrusted.length === 1 ? "A prompt" : `${untrusted.length} prompts`} in <Mono>{found.folder}</Mono>{" "}
          {untrusted.length === 1 ? "is" : "are"} not used yet: read{" "}
          {untrusted.length === 1 ? "it and trust it" : "them and trust them"}.
        </Alert>
      )}
      {unusable.length > 0 && (
        <Alert severity="error" variant="outlined" sx={{ mt: 0.5, py: 0, overflowWrap: "anywhere" }}>
          {unusable.map((file) => (
            <Typography key={file.path} variant="body2" component="p">
              <Inline text={file.error ?? `${file.path} is not used.`} />
            </Typography>
          ))}
        </Alert>
      )}
      {isReading && <PromptsDialog project={project} found={found} onClose={() => setReading(false)} />}
    </>
  );
}

interface DialogProps {
  project: Project;
  found: ProjectPrompts;
  onClose: () => void;
}

function PromptsDialog({ project, found, onClose }: DialogProps) {
  const isNarrow = useMediaQuery(useTheme().breakpoints.down("sm"));
  // What was to be read stays on the page when it is trusted.
  const [names] = useState(() =>
    overridden(found)
      .filter(({ file }) => file.state === "untrusted")
      .map(({ name }) => name),
  );
  const shown = overridden(found).filter(({ name }) => names.includes(name));
  return (
    <Dialog
      open
      onClose={onClose}
      maxWidth="md"
      fullWidth
      fullScreen={isNarrow}
      aria-labelledby="prompts-title"
    >
      <DialogTitle id="prompts-title">Prompts of {project.name}</DialogTitle>
      <DialogContent>
        <Typography variant="body2">
          A file in <Mono>{found.folder}</Mono> on {project.default_branch} replaces what SpecTask tells
          agents once you trust it. When its content changes, the built-in prompt is used until you trust the
          new one.
        </Typography>
        {shown.map((prompt) => (
          <PromptSection key={prompt.name} project={project.id} prompt={prompt} />
        ))}
        <OfflineNote />
      </DialogContent>
      <DialogActions>
        <Button color="inherit" onClick={onClose}>
          Close
        </Button>
      </DialogActions>
    </Dialog>
  );
}

function PromptSection({ project, prompt }: { project: string; prompt: Overridden }) {
  const trust = useTrustPrompt(project);
  // What is trusted is what was shown, also when another content arrives meanwhile.
  const [{ file, text: builtIn }, show] = useState(prompt);
  const isTrusted = prompt.file.state === "trusted" && prompt.file.hash === file.hash;
  const isChanged = prompt.file.hash !== file.hash;
  const lines = textChange(builtIn, file.text ?? "");
  return (
    <Box component="section" aria-label={`Prompt ${prompt.name}`} sx={{ mt: 2.5 }}>
      <Stack direction="row" sx={{ gap: 1.5, alignItems: "baseline", flexWrap: "wrap" }}>
        <Typography variant="subtitle2" component="h3">
          <MonoFile name={file.path} />
        </Typography>
        {isTrusted && <Status tone="done" label="In use" />}
      </Stack>
      <Typography variant="body2" color="textSecondary">
        {prompt.about}
      </Typography>
      {isChanged && (
        <Alert
          severity="warning"
          variant="outlined"
          sx={{ mt: 1, py: 0 }}
          action={
            <Button
              color="inherit"
              size="small"
              onClick={() => {
                trust.reset();
                show(prompt);
              }}
            >
              Show the new content
            </Button>
          }
        >
          The file changed since this was shown.
        </Alert>
      )}
      <Fold label="Differences from the built-in prompt" startOpen>
        <Box
          sx={{
            border: 1,
            borderColor: "divider",
            borderRadius: 1,
            maxHeight: 360,
            overflowY: "auto",
            mb: 1,
          }}
        >
          <DiffLines wraps lines={lines} label={`Differences of ${prompt.name} from the built-in prompt`} />
        </Box>
      </Fold>
      <Fold label="Whole content" quiet>
        <Code text={file.text ?? ""} />
      </Fold>
      {!isTrusted && (
        <Box sx={{ mt: 1 }}>
          <ActionButton
            variant="contained"
            loading={trust.isPending}
            unavailable={isChanged ? "The file changed; read the new content first." : undefined}
            aria-label={`Trust and use ${prompt.name}`}
            onClick={() => file.hash && trust.mutate({ name: prompt.name, hash: file.hash })}
          >
            Trust and use
          </ActionButton>
        </Box>
      )}
      <ActionError error={trust.error} />
    </Box>
  );
}
