// The task list: filtered and sorted by the server, read page by page, drawn only where it is looked at.

import AddRounded from "@mui/icons-material/AddRounded";
import { Box, Button, Typography } from "@mui/material";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo } from "react";
import { projectsQuery, tasksQuery } from "../api/queries";
import { LinkButton } from "../components/links";
import { Page } from "../components/Page";
import { Empty, Failed, Rows } from "../components/States";
import { filterOf, NEEDS_YOU_FIRST, type TasksSearch } from "../model/filter";
import { CreateDialog } from "./tasks/CreateDialog";
import { Filters } from "./tasks/Filters";
import { FirstRun } from "./tasks/FirstRun";
import { TaskRows } from "./tasks/TaskRows";

export function TasksPage() {
  const search = useSearch({ from: "/app/tasks" });
  const navigate = useNavigate({ from: "/tasks" });
  const query = useInfiniteQuery({ ...tasksQuery(filterOf(search)), placeholderData: (before) => before });
  const projects = useQuery(projectsQuery).data ?? [];
  const names = useMemo(() => new Map(projects.map((project) => [project.id, project.name])), [projects]);
  const tasks = useMemo(() => query.data?.pages.flatMap((page) => page.items) ?? [], [query.data]);
  const total = query.data?.pages[0]?.total;
  const isFiltered = Boolean(
    search.status || search.type || search.q || search.project || search.priority || search.archived,
  );

  const set = (change: Partial<TasksSearch>, replace = false) =>
    void navigate({ search: (before) => ({ ...before, ...change }), replace });

  return (
    <Page
      title="Tasks"
      actions={
        <LinkButton
          variant="contained"
          startIcon={<AddRounded />}
          to="/tasks"
          search={{ ...search, create: true }}
        >
          New task
        </LinkButton>
      }
    >
      <Filters search={search} onChange={set} />
      {query.isPending ? (
        <Rows count={10} />
      ) : query.isError && tasks.length === 0 ? (
        <Failed error={query.error} retry={() => void query.refetch()} />
      ) : tasks.length === 0 ? (
        isFiltered ? (
          <Empty
            title={search.status === "needs_you" ? "Nothing needs you" : "No matching tasks"}
            action={
              <Button variant="outlined" color="inherit" onClick={() => void navigate({ search: {} })}>
                Clear the filters
              </Button>
            }
          >
            {search.status === "needs_you"
              ? "Specifications and changes waiting for your decision, conversations waiting for your reply, and failed work appear here."
              : "No tasks match these filters."}
          </Empty>
        ) : (
          <FirstRun />
        )
      ) : (
        <Box sx={{ opacity: query.isPlaceholderData ? 0.55 : 1, transition: "opacity .15s" }}>
          <TaskRows
            tasks={tasks}
            projects={names}
            isGrouped={(search.sort ?? NEEDS_YOU_FIRST) === NEEDS_YOU_FIRST && !search.status}
            hasMore={query.hasNextPage}
            isLoadingMore={query.isFetchingNextPage}
            onMore={() => void query.fetchNextPage()}
          />
          {total !== undefined && (
            <Typography
              variant="caption"
              color="textSecondary"
              component="p"
              sx={{ mt: 1.5, px: 1.5 }}
              role="status"
            >
              {total === 1 ? "1 task" : `${total} tasks`}
            </Typography>
          )}
        </Box>
      )}
      {search.create && (
        <CreateDialog project={search.project} onClose={() => set({ create: undefined }, true)} />
      )}
    </Page>
  );
}
