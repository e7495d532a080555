// What a person can do, as mutations that put the server's answer into the cache.

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { keys } from "../live/keys";
import { post, put, remove } from "./client";
import type {
  FromDemo,
  FromPrompt,
  NewProject,
  PermissionRequest,
  Project,
  ProjectSettings,
  ReviewDecision,
  SpecTask,
  TaskDetail,
  WorkSession,
} from "./types";

export type TaskAction =
  | { do: "start" | "cancel" | "retry" }
  | { do: "approve-specs"; approved: boolean; comments: string; changes: string[]; content_hash?: string }
  | { do: "approve-implementation"; decision: ReviewDecision; comments: string }
  | { do: "archive"; archived: boolean };

/** Acts on a task; the answer is its new state. */
export function useTaskAction(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (action: TaskAction) => {
      if (action.do === "archive") return put<SpecTask>(`/spec-tasks/${id}`, { archived: action.archived });
      const { do: name, ...body } = action;
      return post<SpecTask>(`/spec-tasks/${id}/${name}`, body);
    },
    onSuccess: (task) => {
      client.setQueryData<TaskDetail>(keys.task(id), (before) => before && { ...before, ...task });
      return Promise.all(
        [keys.lists, keys.task(id), keys.specs(id), keys.reviews(id), keys.progress(id)].map((queryKey) =>
          client.invalidateQueries({ queryKey }),
        ),
      );
    },
  });
}

export type SessionAction =
  | { do: "cancel" | "retry" | "skip" }
  | { do: "messages"; content: string; mode: "queue" | "interrupt" };

/** Acts on a work session, or speaks into its thread. */
export function useSessionAction(session: WorkSession) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ do: name, ...body }: SessionAction) =>
      post<unknown>(`/work-sessions/${session.id}/${name}`, body),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.task(session.spec_task_id) }),
  });
}

export type NewTask = { key: string } & (
  | { from: "prompt"; body: FromPrompt }
  | { from: "demo"; body: FromDemo }
);

export function useCreateTask() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (task: NewTask) => post<SpecTask>(`/spec-tasks/from-${task.from}`, task.body, task.key),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: keys.lists });
      void client.invalidateQueries({ queryKey: keys.projects });
    },
  });
}

export function useStopInstance(task: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => remove<unknown>(`/spec-tasks/${task}/zed-instance`),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.instance(task) }),
  });
}

export function useAddProject() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (project: NewProject & { key: string }) => {
      const { key, ...body } = project;
      return post<Project>("/projects", body, key);
    },
    onSuccess: () => client.invalidateQueries({ queryKey: keys.projects }),
  });
}

export function useEditProject(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (change: { name?: string; default_branch?: string; settings?: ProjectSettings }) =>
      put<Project>(`/projects/${id}`, change),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.projects }),
  });
}

export function useRemoveProject() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => remove<null>(`/projects/${id}`),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.projects }),
  });
}

/** Answers an agent's question; it is gone from the list at once. */
export function useAnswerPermission() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, option }: { id: string; option: string }) =>
      post<unknown>(`/permissions/${encodeURIComponent(id)}`, { option_id: option }),
    onSuccess: (_, { id }) =>
      client.setQueryData<PermissionRequest[]>(keys.permissions, (open) =>
        open?.filter((request) => request.id !== id),
      ),
    onSettled: () => client.invalidateQueries({ queryKey: keys.permissions }),
  });
}

export function useLogin() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (token: string) => post<unknown>("/login", { token }),
    onSuccess: () => client.clear(),
  });
}

export function useLogout() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => post<null>("/logout"),
    onSettled: () => client.clear(),
  });
}
