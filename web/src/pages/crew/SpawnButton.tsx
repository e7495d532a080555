// Adds a session to a task's crew, while one of it is at work.

import AddRounded from "@mui/icons-material/AddRounded";
import { useState } from "react";
import type { TaskDetail } from "../../api/types";
import { ActionButton } from "../../components/Action";
import { parentsOf } from "../../model/crew";
import { SpawnDialog } from "./SpawnDialog";

export function SpawnButton({ task }: { task: TaskDetail }) {
  const [isOpen, setOpen] = useState(false);
  if (parentsOf(task.work_sessions).length === 0 && !isOpen) return null;
  return (
    <>
      <ActionButton
        variant="outlined"
        color="inherit"
        startIcon={<AddRounded />}
        onClick={() => setOpen(true)}
        sx={{ mt: 1 }}
      >
        Add session
      </ActionButton>
      {isOpen && <SpawnDialog task={task} onClose={() => setOpen(false)} />}
    </>
  );
}
