// The end of a conversation, which a person decides: with a review of what it made, or without.

import { Button, Dialog, DialogActions, DialogContent, DialogContentText, DialogTitle } from "@mui/material";
import { useState } from "react";
import { useMoveTask } from "../../api/actions";
import type { TaskDetail } from "../../api/types";
import { ActionButton, OfflineNote } from "../../components/Action";
import { Mono } from "../../components/Code";
import { ActionError } from "../../components/States";

export function CloseTask({ task, onReview }: { task: TaskDetail; onReview: () => void }) {
  const [isOpen, setOpen] = useState(false);
  const move = useMoveTask(task.id);
  const hasWork = task.branch_name !== null;
  const canReview = hasWork && task.waits_for_person;
  const close = () => {
    setOpen(false);
    move.reset();
  };
  const to = (status: "done" | "implementation_review", then?: () => void) =>
    move.mutate(status, {
      onSuccess: () => {
        close();
        then?.();
      },
    });

  return (
    <>
      <ActionButton variant="contained" onClick={() => setOpen(true)}>
        Close…
      </ActionButton>
      <Dialog open={isOpen} onClose={close} maxWidth="xs" fullWidth>
        <DialogTitle>Close this conversation?</DialogTitle>
        <DialogContent>
          <DialogContentText variant="body2" component="div">
            {hasWork ? (
              <>
                Its work stays on <Mono>{task.branch_name ?? ""}</Mono>. To have it land on{" "}
                <Mono>{task.base_branch}</Mono>, have it checked and review the change
                {!canReview && task.status === "implementation" && " when the agent has ended its turn"}.
              </>
            ) : (
              "Nothing was changed. The conversation stays."
            )}
          </DialogContentText>
          <ActionError error={move.error} />
          <OfflineNote />
        </DialogContent>
        <DialogActions sx={{ flexWrap: "wrap", gap: 1 }}>
          <Button color="inherit" onClick={close}>
            Don't close
          </Button>
          <ActionButton
            variant={canReview ? "outlined" : "contained"}
            color={canReview ? "inherit" : "primary"}
            loading={move.isPending && move.variables === "done"}
            onClick={() => to("done")}
          >
            Close
          </ActionButton>
          {canReview && (
            <ActionButton
              variant="contained"
              loading={move.isPending && move.variables === "implementation_review"}
              onClick={() => to("implementation_review", onReview)}
            >
              Review the change
            </ActionButton>
          )}
        </DialogActions>
      </Dialog>
    </>
  );
}
