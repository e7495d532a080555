// Taking back a merged change, as a task whose change is reviewed.

import { useNavigate } from "@tanstack/react-router";
import { useRevert } from "../../api/actions";
import { useOnce } from "../../api/once";
import type { TaskDetail } from "../../api/types";
import { Mono } from "../../components/Code";
import { Confirm } from "../../components/Confirm";

export function RevertDialog(props: { task: TaskDetail; open: boolean; onClose: () => void }) {
  const { task, open, onClose } = props;
  const navigate = useNavigate();
  const revert = useRevert(task.id);
  const keyOf = useOnce(revert);
  return (
    <Confirm
      open={open}
      title="Revert this change?"
      action="Create revert"
      takesAway={false}
      busy={revert.isPending}
      error={revert.error}
      onClose={() => {
        revert.reset();
        onClose();
      }}
      onConfirm={() =>
        revert.mutate(keyOf(task.merge_commit), {
          onSuccess: (made) => {
            onClose();
            void navigate({ to: "/tasks/$taskId", params: { taskId: made.id }, search: { tab: "change" } });
          },
        })
      }
    >
      A new task gets a commit that takes back <Mono>{(task.merge_commit ?? "").slice(0, 10)}</Mono>. The
      checks run on it, and nothing changes on <Mono>{task.base_branch}</Mono> until you approve it.
    </Confirm>
  );
}
