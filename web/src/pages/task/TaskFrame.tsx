// What the pages of a task and of its sessions stand in: their measure, and what is shown while there is nothing else.

import { Box } from "@mui/material";
import { type UseQueryResult, useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { ApiError } from "../../api/client";
import { taskQuery } from "../../api/queries";
import type { TaskDetail } from "../../api/types";
import { Failed, Paragraphs } from "../../components/States";
import { useTopic } from "../../live/provider";

interface Props {
  taskId: string;
  /** The space that is kept free below, in steps of eight pixels. */
  below: { xs: number; md: number };
  /** The placeholder for missing content. */
  missing: ReactNode;
  /** The page, or null where the task does not have what it is about. */
  children: (task: TaskDetail) => ReactNode;
}

export function TaskFrame({ taskId, below, missing, children }: Props) {
  useTopic("task", taskId);
  const query = useQuery({ ...taskQuery(taskId), select: steady });
  const page = query.data && children(query.data);
  return (
    <Box
      sx={{
        maxWidth: 1400,
        mx: "auto",
        px: { xs: 2, sm: 3, md: 4 },
        pt: { xs: 2, md: 3 },
        pb: below,
      }}
    >
      {page ?? <Instead query={query} missing={missing} />}
    </Box>
  );
}

/**
 * A task without its version and the time of its last change, which no page of it shows: everything that happens to a
 * task changes them, several times a second while agents work, and what is equal besides is not drawn again.
 */
function steady(task: TaskDetail): TaskDetail {
  return { ...task, version: 0, updated_at: task.created_at };
}

function Instead({ query, missing }: { query: UseQueryResult<TaskDetail>; missing: ReactNode }) {
  // What a task does not have may be on its way.
  if (query.data) return query.isFetching ? <Paragraphs lines={9} /> : missing;
  if (query.isPending) return <Paragraphs lines={9} />;
  if (query.error instanceof ApiError && query.error.status === 404) return missing;
  return <Failed error={query.error} retry={() => void query.refetch()} />;
}
