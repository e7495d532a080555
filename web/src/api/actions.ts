// What a person can do, as mutations that put the server's answer into the cache.

import { type QueryClient, useMutation, useQueryClient } from "@tanstack/react-query";
import { keys } from "../live/keys";
import { forgetDrafts } from "../model/drafts";
import { OfflineError, post, put, remove } from "./client";
import type {
  BranchBody,
  Comment,
  CoordinationEvent,
  CoordinationKind,
  CreatedToken,
  EditTask,
  FromDemo,
  FromPrompt,
  HeldSecret,
  MaintenanceRun,
  NewComment,
  NewLineComment,
  NewProject,
  NewToken,
  PendingReview,
  PermissionRequest,
  PlainTask,
  Project,
  ProjectSettings,
  ReviewDecision,
  SessionDetail,
  SpawnBody,
  SpecTask,
  TaskDetail,
  WorkSession,
} from "./types";

export type TaskAction =
  | { do: "start" | "cancel" | "retry" | "resume" | "reopen" }
  | { do: "edit"; change: EditTask }
  | {
      do: "approve-specs";
      approved: boolean;
      decision: ReviewDecision;
      comments: string;
      changes: string[];
      content_hash?: string;
    }
  | {
      do: "approve-implementation";
      decision: ReviewDecision;
      comments: string;
      acknowledged_findings: string[];
      line_comments: NewLineComment[];
      /** The head of the change that was read. */
      commit: string | null;
      allow_empty: boolean;
    }
  | { do: "archive"; archived: boolean };

/** Acts on a task; the answer is its new state. */
export function useTaskAction(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (action: TaskAction) => {
      if (action.do === "archive") return put<SpecTask>(`/spec-tasks/${id}`, { archived: action.archived });
      if (action.do === "edit") return put<SpecTask>(`/spec-tasks/${id}`, action.change);
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

/** Takes back what a task merged; the answer is the task whose change does it. */
export function useRevert(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (key: string) => post<SpecTask>(`/spec-tasks/${id}/revert`, {}, key),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.lists }),
  });
}

/** Comments on a place of the documents. */
export function useComment(task: string, review: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ key, ...body }: NewComment & { key: string }) =>
      post<Comment>(`/spec-tasks/${task}/reviews/${review}/comments`, body, key),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.reviews(task) }),
  });
}

export type CommentAction = { do: "reply"; comment: string } | { do: "resolve"; resolved: boolean };

/** Replies to a comment, or resolves it. */
export function useCommentAction(task: string, id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ do: name, ...body }: CommentAction) => post<Comment>(`/comments/${id}/${name}`, body),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.reviews(task) }),
  });
}

/** How long a write that the server did not answer waits before it is sent again. */
const RESEND_DELAY_MS = 1000;

/** Keeps the comments on lines that are not sent yet; what is shown is what was written, at once. */
export function usePendingReview(task: string) {
  const client = useQueryClient();
  const key = keys.pendingReview(task);
  return useMutation({
    // One after the other, so that the last one is what stays.
    scope: { id: `pending-review-${task}` },
    // Without a connection it waits for the server, and what was typed stays on the page.
    retry: (failures, error) => error instanceof OfflineError || failures < 3,
    retryDelay: RESEND_DELAY_MS,
    onMutate: async (review: PendingReview) => {
      await client.cancelQueries({ queryKey: key });
      client.setQueryData<PendingReview>(key, review);
    },
    mutationFn: (review: PendingReview) => put<PendingReview>(`/spec-tasks/${task}/pending-review`, review),
    // What was read meanwhile is from before.
    onSuccess: (review) => client.setQueryData<PendingReview>(key, review),
  });
}

/** Puts a value back that was taken out of a document as a secret, or forgets it. */
export function useDecideHeldSecret(task: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, decision }: { id: string; decision: "keep" | "remove" }) =>
      post<HeldSecret[]>(`/spec-tasks/${task}/held-secrets/${id}`, { decision }),
    onSuccess: (held) => {
      client.setQueryData<HeldSecret[]>(keys.heldSecrets(task), held);
      return Promise.all(
        [keys.specs(task), keys.reviews(task), keys.lint(task), keys.documents(task)].map((queryKey) =>
          client.invalidateQueries({ queryKey }),
        ),
      );
    },
  });
}

/** Edits a document; the task may be under review again afterwards. */
export function useEditDocument(task: string, document: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (edit: { content: string; base_commit: string }) =>
      put<unknown>(`/spec-tasks/${task}/documents/${document}`, edit),
    onSuccess: () =>
      Promise.all(
        [keys.task(task), keys.specs(task), keys.reviews(task), keys.lint(task), keys.documents(task)].map(
          (queryKey) => client.invalidateQueries({ queryKey }),
        ),
      ),
  });
}

/** Closes a conversation, or has what it made reviewed. */
export function useMoveTask(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (status: "done" | "implementation_review") =>
      put<PlainTask>(`/tasks/${id}/status`, { status }),
    onSuccess: () =>
      Promise.all(
        [keys.lists, keys.task(id), keys.diff(id)].map((queryKey) => client.invalidateQueries({ queryKey })),
      ),
  });
}

/** Begins a further conversation in a task without a plan. */
export function useOpenSession(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ key, ...body }: { key: string; name: string; description?: string }) =>
      post<WorkSession>(`/tasks/${id}/work-sessions`, body, key),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.task(id) }),
  });
}

export type SessionAction =
  | { do: "cancel" | "retry" | "skip" | "choose" }
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

/** Gives a session that failed to another agent. */
export function useAssignAgent(task: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ session, agent }: { session: string; agent: string }) =>
      put<WorkSession>(`/work-sessions/${session}/agent`, { agent }),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.task(task) }),
  });
}

/** Adds a session to a crew: spawned by another, or forked from a turn of it. */
export type NewSession = { parent: string; key: string } & (
  | { do: "spawn"; body: SpawnBody }
  | { do: "branch"; body: BranchBody }
);

export function useAddSession(task: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ do: name, parent, key, body }: NewSession) =>
      post<SessionDetail>(`/work-sessions/${parent}/${name}`, body, key),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.task(task) }),
  });
}

/** Changes or takes back what no turn has carried. */
export function useWaitingMessage(session: WorkSession, message: string) {
  const client = useQueryClient();
  const path = `/work-sessions/${session.id}/messages/${message}`;
  return useMutation({
    mutationFn: (content: string | null) =>
      content === null ? remove<unknown>(path) : put<unknown>(path, { content }),
    // Refused, it was carried meanwhile: the session says so.
    onSettled: () => client.invalidateQueries({ queryKey: keys.task(session.spec_task_id) }),
  });
}

export interface Telling {
  key: string;
  event_type: CoordinationKind;
  message: string;
  to_session_id?: string;
  data?: { request_id: string };
}

/** A person tells the crew, or one of it, something. */
export function useTell(task: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ key, ...body }: Telling) =>
      post<CoordinationEvent>(`/spec-tasks/${task}/coordination-events`, body, key),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.coordination(task) }),
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
    onSuccess: () =>
      Promise.all(
        [keys.instance(task), keys.task(task)].map((queryKey) => client.invalidateQueries({ queryKey })),
      ),
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

/** Creates a token. The answer is the only place where it is shown, so nothing but the dialog keeps it. */
export function useCreateToken() {
  const client = useQueryClient();
  return useMutation({
    gcTime: 0,
    mutationFn: (token: NewToken) => post<CreatedToken>("/tokens", token),
    onSuccess: () => refreshTokens(client),
  });
}

export function useRevokeToken() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => remove<null>(`/tokens/${id}`),
    onSuccess: () => refreshTokens(client),
  });
}

function refreshTokens(client: QueryClient): Promise<unknown> {
  return Promise.all([keys.tokens, keys.audit].map((queryKey) => client.invalidateQueries({ queryKey })));
}

/** Removes what retention does not keep. */
export function useRunMaintenance() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => post<MaintenanceRun>("/maintenance", {}),
    onSuccess: () =>
      Promise.all([keys.maintenance, keys.audit].map((queryKey) => client.invalidateQueries({ queryKey }))),
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
    onSettled: () => {
      client.clear();
      forgetDrafts();
    },
  });
}
