// After an edit of the plan: that it is saved, and the way back to the version before.

import { Button, Stack, Typography } from "@mui/material";
import { useEditDocument } from "../../../api/actions";
import { ActionButton } from "../../../components/Action";
import { ActionError } from "../../../components/States";

interface Props {
  task: string;
  /** The plan before the edit. */
  before: string;
  /** The commit of the edit. */
  commit: string;
  onClose: () => void;
}

export function SavedPlan({ task, before, commit, onClose }: Props) {
  const restore = useEditDocument(task, "tasks");
  return (
    <>
      <Stack direction="row" role="status" sx={{ alignItems: "center", gap: 1, mb: 1.5, flexWrap: "wrap" }}>
        <Typography variant="body2" component="p">
          The plan is saved as a new version.
        </Typography>
        <ActionButton
          variant="outlined"
          color="inherit"
          loading={restore.isPending}
          onClick={() => restore.mutate({ content: before, base_commit: commit }, { onSuccess: onClose })}
        >
          Restore the version before
        </ActionButton>
        <Button variant="text" color="inherit" onClick={onClose}>
          Dismiss
        </Button>
      </Stack>
      <ActionError error={restore.error} />
    </>
  );
}
