// Another version of the plan was saved while a person edits it: what can become of the edits.

import { Alert, AlertTitle, Button, Stack, Typography } from "@mui/material";
import { ActionButton } from "../../../components/Action";
import { ActionError } from "../../../components/States";

interface Props {
  /** How many edits are not saved. */
  edits: number;
  /** The edits while they are repeated on the new plan. */
  repeating: { isPending: boolean; error: unknown };
  onLoad: () => void;
  onKeep: () => void;
}

export function ChangedPlan({ edits, repeating, onLoad, onKeep }: Props) {
  const yours = edits === 1 ? "your edit" : `your ${edits} edits`;
  return (
    <Alert severity="warning" variant="outlined" sx={{ mb: 1.5 }}>
      <AlertTitle>The plan was changed meanwhile</AlertTitle>
      <Typography variant="body2">
        The list shows {yours} of the version before, which cannot be saved any more.
      </Typography>
      <Typography variant="body2" component="ul" sx={{ my: 0.5, pl: 2.5 }}>
        <li>
          <b>Load the new plan</b> discards {yours}.
        </li>
        <li>
          <b>Keep my edits</b> repeats {edits === 1 ? "it" : "them"} on the new plan and shows the result
          before you save it. Edits of tasks that were changed too are refused.
        </li>
      </Typography>
      <ActionError error={repeating.error} />
      <Stack direction="row" sx={{ gap: 1, mt: 1, flexWrap: "wrap" }}>
        <Button variant="outlined" color="inherit" disabled={repeating.isPending} onClick={onLoad}>
          Load the new plan
        </Button>
        <ActionButton variant="outlined" color="inherit" loading={repeating.isPending} onClick={onKeep}>
          Keep my edits
        </ActionButton>
      </Stack>
    </Alert>
  );
}
