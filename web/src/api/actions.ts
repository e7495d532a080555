// The actions of a person, as mutations that put the server's answer into the cache.

import { type QueryClient, useMutation, useQueryClient } from "@tanstack/react-query";
import { useRef } from "react";
import { keys } from "../live/keys";
import type { DocumentName } from "../model/documents";
import { forgetDrafts } from "../model/drafts";
import { plainName } from "../model/hidden";
import { type Inbox, withUpdate } from "../model/inbox";
import { forgetPush, pushHere, turnOff, turnOn } from "../push/browser";
import { ApiError, OfflineError, once, post, put, remove } from "./client";
import type {
  AgentQuestion,
  BranchBody,
  ChangeReviewBody,
  CoordinationKind,
  EditTask,
  FromDemo,
  FromPrompt,
  HeldSecret,
  InboxAction,
  InboxItem,
  NewComment,
  NewProject,
  NewToken,
  PendingReview,
  PermissionRequest,
  PlanEdits,
  ProjectEdit,
  ProjectPrompts,
  ReviewBody,
  SpawnBody,
  StoredSecret,
  TaskDetail,
  WorkSession,
} from "./types";

/** Ends the wait for the limit of an agent's account. */
export function useResumeAgent() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => post("/api/v1/agents/{id}/resume", { params: { path: { id } } }),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.agents }),
  });
}

export type TaskAction =
  | { do: "start" | "cancel" | "retry" | "resume" | "reopen" }
  | { do: "edit"; change: EditTask }
  | { do: "approve-specs"; review: ReviewBody }
  | { do: "approve-implementation"; review: ChangeReviewBody }
  | { do: "archive"; archived: boolean };

/** Acts on a task; the answer is its new state. */
export function useTaskAction(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (action: TaskAction) => {
      const params = { path: { id } };
      switch (action.do) {
        case "archive":
          return put("/api/v1/spec-tasks/{id}", { params, body: { archived: action.archived } });
        case "edit":
          return put("/api/v1/spec-tasks/{id}", { params, body: action.change });
        case "approve-specs":
          return post("/api/v1/spec-tasks/{id}/approve-specs", { params, body: action.review });
        case "approve-implementation":
          return post("/api/v1/spec-tasks/{id}/approve-implementation", { params, body: action.review });
        default:
          return post(`/api/v1/spec-tasks/{id}/${action.do}`, { params });
      }
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
    mutationFn: (key: string) =>
      post("/api/v1/spec-tasks/{id}/revert", { params: { path: { id }, header: once(key) } }),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.lists }),
  });
}

/** Comments on a place of the documents. */
export function useComment(task: string, review: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ key, ...body }: NewComment & { key: string }) =>
      post("/api/v1/spec-tasks/{id}/reviews/{review_id}/comments", {
        params: { path: { id: task, review_id: review }, header: once(key) },
        body,
      }),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.reviews(task) }),
  });
}

export type CommentAction = { do: "reply"; comment: string } | { do: "resolve"; resolved: boolean };

/** Replies to a comment, or resolves it. */
export function useCommentAction(task: string, id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (action: CommentAction) => {
      const params = { path: { id } };
      return action.do === "reply"
        ? post("/api/v1/comments/{id}/reply", { params, body: { comment: action.comment } })
        : post("/api/v1/comments/{id}/resolve", { params, body: { resolved: action.resolved } });
    },
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
    mutationFn: (review: PendingReview) =>
      put("/api/v1/spec-tasks/{id}/pending-review", { params: { path: { id: task } }, body: review }),
    // What was read meanwhile is from before.
    onSuccess: (review) => client.setQueryData<PendingReview>(key, review),
  });
}

/** Puts a value back that was taken out of a document as a secret, or forgets it. */
export function useDecideHeldSecret(task: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, decision }: { id: string; decision: "keep" | "remove" }) =>
      post("/api/v1/spec-tasks/{id}/held-secrets/{secret}", {
        params: { path: { id: task, secret: id } },
        body: { decision },
      }),
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
export function useEditDocument(task: string, document: DocumentName) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (edit: { content: string; base_commit: string }) =>
      put("/api/v1/spec-tasks/{id}/documents/{doc}", {
        params: { path: { id: task, doc: document } },
        body: edit,
      }),
    onSuccess: () =>
      Promise.all(
        [keys.task(task), keys.specs(task), keys.reviews(task), keys.lint(task), keys.documents(task)].map(
          (queryKey) => client.invalidateQueries({ queryKey }),
        ),
      ),
  });
}

/** Edits the plan task by task, or tries an edit; the task may be under review again after one that is saved. */
export function useEditPlan(task: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (edits: PlanEdits) =>
      post("/api/v1/spec-tasks/{id}/plan-edits", { params: { path: { id: task } }, body: edits }),
    onSuccess: ({ saved }) =>
      saved &&
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
      put("/api/v1/tasks/{id}/status", { params: { path: { id } }, body: { status } }),
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
      post("/api/v1/tasks/{id}/work-sessions", { params: { path: { id }, header: once(key) }, body }),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.task(id) }),
  });
}

export type SessionAction =
  | { do: "cancel" | "retry" | "skip" | "choose" }
  | { do: "messages"; content: string; mode: "queue" | "interrupt"; files: readonly File[] };

/** Uploads a file to a task, for its prompt or for a message. */
async function upload(task: string, purpose: "message" | "prompt", file: File): Promise<string> {
  const sending = post("/api/v1/spec-tasks/{id}/attachments", {
    params: {
      path: { id: task },
      query: { name: file.name, media_type: file.type.split(";")[0] || undefined, purpose },
    },
    headers: { "Content-Type": "application/octet-stream" },
    // The library writes other bodies as JSON.
    body: "",
    bodySerializer: () => file,
  });
  try {
    return (await sending).id;
  } catch (error) {
    throw error instanceof ApiError ? error.about(plainName(file.name)) : error;
  }
}

/** Acts on a work session, or sends a message to it. */
export function useSessionAction(session: WorkSession) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (action: SessionAction): Promise<unknown> => {
      const params = { path: { id: session.id } };
      if (action.do !== "messages") return post(`/api/v1/work-sessions/{id}/${action.do}`, { params });
      const { content, mode, files } = action;
      // What was uploaded by an attempt before is known to the server by its content.
      const attachments: string[] = [];
      for (const file of files) attachments.push(await upload(session.spec_task_id, "message", file));
      return post("/api/v1/work-sessions/{id}/messages", { params, body: { content, mode, attachments } });
    },
    onSuccess: (_, action) => {
      if (action.do === "messages" && action.files.length > 0)
        void client.invalidateQueries({ queryKey: keys.attachments(session.spec_task_id) });
      return client.invalidateQueries({ queryKey: keys.task(session.spec_task_id) });
    },
  });
}

/** Sets options of a session's agent, such as its model. */
export function useSetAgentOptions(session: WorkSession) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (options: Record<string, string | boolean>) =>
      put("/api/v1/work-sessions/{id}/agent-options", {
        params: { path: { id: session.id } },
        body: { options },
      }),
    onSettled: () => client.invalidateQueries({ queryKey: keys.sessionOffer(session.id) }),
  });
}

/** Gives a session that failed to another agent. */
export function useAssignAgent(task: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ session, agent }: { session: string; agent: string }) =>
      put("/api/v1/work-sessions/{id}/agent", { params: { path: { id: session } }, body: { agent } }),
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
    mutationFn: ({ parent, key, ...add }: NewSession) => {
      const params = { path: { id: parent }, header: once(key) };
      return add.do === "spawn"
        ? post("/api/v1/work-sessions/{id}/spawn", { params, body: add.body })
        : post("/api/v1/work-sessions/{id}/branch", { params, body: add.body });
    },
    onSuccess: () => client.invalidateQueries({ queryKey: keys.task(task) }),
  });
}

/** Changes or takes back what no turn has carried. */
export function useWaitingMessage(session: WorkSession, message: string) {
  const client = useQueryClient();
  const params = { path: { id: session.id, turn_id: message } };
  return useMutation({
    mutationFn: (content: string | null) =>
      content === null
        ? remove("/api/v1/work-sessions/{id}/messages/{turn_id}", { params })
        : put("/api/v1/work-sessions/{id}/messages/{turn_id}", { params, body: { content } }),
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
      post("/api/v1/spec-tasks/{id}/coordination-events", {
        params: { path: { id: task }, header: once(key) },
        body,
      }),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.coordination(task) }),
  });
}

export type NewTask = { key: string } & (
  | { from: "prompt"; body: FromPrompt; files?: readonly File[] }
  | { from: "demo"; body: FromDemo }
);

export function useCreateTask() {
  const client = useQueryClient();
  // A task whose files were not all taken: another try with the same words completes it.
  const incomplete = useRef<{ words: string; id: string } | null>(null);
  return useMutation({
    mutationFn: async ({ key, ...task }: NewTask) => {
      const params = { header: once(key) };
      if (task.from === "demo") return post("/api/v1/spec-tasks/from-demo", { params, body: task.body });
      const { body, files = [] } = task;
      const words = JSON.stringify(body);
      const before = incomplete.current?.words === words ? incomplete.current : null;
      if (files.length === 0 && !before) return post("/api/v1/spec-tasks/from-prompt", { params, body });
      // It starts when its prompt is whole.
      const create = () =>
        post("/api/v1/spec-tasks/from-prompt", { params, body: { ...body, start: false } });
      const { id } = before ?? (await create());
      incomplete.current = { words, id };
      for (const file of files) await upload(id, "prompt", file);
      const started = await post("/api/v1/spec-tasks/{id}/start", { params: { path: { id } } });
      incomplete.current = null;
      return started;
    },
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: keys.lists });
      void client.invalidateQueries({ queryKey: keys.projects });
    },
  });
}

export function useStopInstance(task: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => remove("/api/v1/spec-tasks/{id}/zed-instance", { params: { path: { id: task } } }),
    onSuccess: () =>
      Promise.all(
        [keys.instance(task), keys.task(task)].map((queryKey) => client.invalidateQueries({ queryKey })),
      ),
  });
}

export function useAddProject() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ key, ...body }: NewProject & { key: string }) =>
      post("/api/v1/projects", { params: { header: once(key) }, body }),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.projects }),
  });
}

/** Finds out what a repository is made with; nothing is changed. */
export function useDetectRepository() {
  return useMutation({
    mutationFn: (path: string) => post("/api/v1/projects/detect", { body: { repository_path: path } }),
  });
}

/** Trusts the settings file of a project as it was read. */
export function useTrustSettings(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (hash: string) =>
      post("/api/v1/projects/{id}/trust-settings", { params: { path: { id } }, body: { hash } }),
    // Another content may be there by now, and is to be shown.
    onSettled: () => client.invalidateQueries({ queryKey: keys.projects }),
  });
}

/** Trusts the text with which a repository overrides a prompt, as it was read. */
export function useTrustPrompt(project: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: { name: string; hash: string }) =>
      post("/api/v1/projects/{id}/prompts", { params: { path: { id: project } }, body }),
    onSuccess: async (prompts) => {
      // What is under way was read before.
      await client.cancelQueries({ queryKey: keys.projectPrompts(project) });
      client.setQueryData<ProjectPrompts>(keys.projectPrompts(project), prompts);
    },
    // Another content may be there by now, and is to be shown.
    onError: () => client.invalidateQueries({ queryKey: keys.projectPrompts(project) }),
  });
}

export function useEditProject(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (change: ProjectEdit) =>
      put("/api/v1/projects/{id}", { params: { path: { id } }, body: change }),
    onSuccess: () =>
      Promise.all(
        [keys.projects, keys.projectUsage(id), keys.projectPrompts(id)].map((queryKey) =>
          client.invalidateQueries({ queryKey }),
        ),
      ),
  });
}

export function useRemoveProject() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => remove("/api/v1/projects/{id}", { params: { path: { id } } }),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.projects }),
  });
}

/** An option of the agent's, or to allow equal requests of the task too. */
export type PermissionAnswer = { option_id: string } | { answer: "allow_always" };

/** Answers an agent's question; it is gone from the list at once. */
export function useAnswerPermission() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, answer }: { id: string; answer: PermissionAnswer }) =>
      post("/api/v1/permissions/{id}", { params: { path: { id } }, body: answer }),
    onSuccess: (_, { id }) =>
      client.setQueryData<PermissionRequest[]>(keys.permissions, (open) =>
        open?.filter((request) => request.id !== id),
      ),
    onSettled: () => client.invalidateQueries({ queryKey: keys.permissions }),
  });
}

/** An answer to an item of the inbox. */
export type ItemAnswer = { item: InboxItem; action: InboxAction; text?: string };

/** Answers an item of the inbox; it is gone from the list at once. */
export function useAnswerItem() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (answer: ItemAnswer) => sendAnswer(answer),
    onSuccess: (_, { item }) => {
      client.setQueryData<Inbox>(
        keys.inbox,
        (inbox) => inbox && withUpdate(inbox, { event: "resolved", item }),
      );
      void client.invalidateQueries({ queryKey: keys.permissionGrants(item.task.id) });
    },
    onSettled: () =>
      Promise.all([keys.inbox, keys.permissions].map((queryKey) => client.invalidateQueries({ queryKey }))),
  });
}

function sendAnswer({ item, action, text }: ItemAnswer): Promise<unknown> {
  const session = item.work_session && { path: { id: item.work_session.id } };
  switch (action) {
    case "allow":
    case "deny":
    case "allow_always":
      return post("/api/v1/permissions/{id}", {
        params: { path: { id: item.request_id ?? "" } },
        body: { answer: action },
      });
    case "retry":
      return session
        ? post("/api/v1/work-sessions/{id}/retry", { params: session })
        : post("/api/v1/spec-tasks/{id}/retry", { params: { path: { id: item.task.id } } });
    case "skip":
      if (session) return post("/api/v1/work-sessions/{id}/skip", { params: session });
      break;
    case "reply":
      if (session && text)
        return post("/api/v1/work-sessions/{id}/messages", {
          params: session,
          body: { content: text, mode: "queue" },
        });
      break;
    case "approve":
    case "request_changes":
    case "open":
      break;
  }
  return Promise.reject(new Error("This is answered on the page of the task."));
}

/** Revokes what a person allowed for the rest of a task. */
export function useRevokePermission(task: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (grant: string) =>
      remove("/api/v1/spec-tasks/{id}/permission-grants/{grant}", { params: { path: { id: task, grant } } }),
    onSettled: () => client.invalidateQueries({ queryKey: keys.permissionGrants(task) }),
  });
}

/** Sends a test message to an endpoint, or a message once more. */
export function useSendWebhook(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (delivery: number | null) =>
      delivery === null
        ? post("/api/v1/webhooks/{id}/test", { params: { path: { id } } })
        : post("/api/v1/webhooks/{id}/deliveries/{delivery}/redeliver", {
            params: { path: { id, delivery } },
          }),
    onSettled: () => client.invalidateQueries({ queryKey: keys.webhooks }),
  });
}

/** Turns push messages to this browser on or off. */
export function useTurnPush() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (on: boolean) => (on ? turnOn() : turnOff()),
    onSuccess: (here) => client.setQueryData(keys.pushHere, here),
    // What was done before it failed shows too.
    onError: async () => client.setQueryData(keys.pushHere, await pushHere()),
    onSettled: () => client.invalidateQueries({ queryKey: keys.pushSubscriptions }),
  });
}

/** Removes a browser from those that get push messages; this one forgets its subscription too. */
export function useRemovePush() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (id: string) => {
      await remove("/api/v1/push/subscriptions/{id}", { params: { path: { id } } });
      if ((await pushHere()).id === id) await forgetPush();
    },
    onSuccess: async () => {
      client.setQueryData(keys.pushHere, await pushHere());
      await client.invalidateQueries({ queryKey: keys.pushSubscriptions });
    },
  });
}

/** Sends a test message to a browser. */
export function useTestPush(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => post("/api/v1/push/subscriptions/{id}/test", { params: { path: { id } } }),
    onSettled: () =>
      Promise.all(
        [keys.pushSubscriptions, keys.pushDeliveries(id)].map((queryKey) =>
          client.invalidateQueries({ queryKey }),
        ),
      ),
  });
}

/** Answers a question or a proposal of an agent; it is gone from the list at once. */
export function useAnswerQuestion() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ task, id, ...body }: { task: string; id: string; answer: string; accepted?: boolean }) =>
      post("/api/v1/spec-tasks/{id}/questions/{question_id}/answer", {
        params: { path: { id: task, question_id: id } },
        body,
      }),
    onSuccess: (_, { id }) =>
      client.setQueryData<AgentQuestion[]>(keys.questions, (open) =>
        open?.filter((question) => question.id !== id),
      ),
    onSettled: () =>
      Promise.all([keys.inbox, keys.questions].map((queryKey) => client.invalidateQueries({ queryKey }))),
  });
}

/** Creates a token. The answer is the only place where it is shown, so nothing but the dialog keeps it. */
export function useCreateToken() {
  const client = useQueryClient();
  return useMutation({
    gcTime: 0,
    mutationFn: (token: NewToken) => post("/api/v1/tokens", { body: token }),
    onSuccess: () => refreshTokens(client),
  });
}

export function useRevokeToken() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => remove("/api/v1/tokens/{id}", { params: { path: { id } } }),
    onSuccess: () => refreshTokens(client),
  });
}

function refreshTokens(client: QueryClient): Promise<unknown> {
  return Promise.all([keys.tokens, keys.audit].map((queryKey) => client.invalidateQueries({ queryKey })));
}

interface SecretValue {
  name: string;
  /** The project that gets it; empty is all projects. */
  project: string;
  value: string;
}

/** Sets a secret. Its value is not kept on the page. */
export function useSetSecret() {
  const client = useQueryClient();
  return useMutation({
    gcTime: 0,
    mutationFn: ({ name, project, value }: SecretValue) =>
      put("/api/v1/secrets/{name}", {
        params: { path: { name }, query: project ? { project_id: project } : {} },
        body: { value },
      }),
    onSuccess: () => refreshSecrets(client),
  });
}

export function useRemoveSecret() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ name, project_id }: StoredSecret) =>
      remove("/api/v1/secrets/{name}", {
        params: { path: { name }, query: project_id ? { project_id } : {} },
      }),
    onSuccess: () => refreshSecrets(client),
  });
}

function refreshSecrets(client: QueryClient): Promise<unknown> {
  return Promise.all(
    [keys.storedSecrets, keys.audit].map((queryKey) => client.invalidateQueries({ queryKey })),
  );
}

/** Removes what retention does not keep. */
export function useRunMaintenance() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => post("/api/v1/maintenance"),
    onSuccess: () =>
      Promise.all([keys.maintenance, keys.audit].map((queryKey) => client.invalidateQueries({ queryKey }))),
  });
}

export function useLogin() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (token: string) => post("/api/v1/login", { body: { token } }),
    onSuccess: () => client.clear(),
  });
}

export function useLogout() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async () => {
      await post("/api/v1/logout", { body: { everywhere: false } });
      // The server has forgotten it; that the browser cannot is no reason to stay.
      await forgetPush().catch(() => undefined);
    },
    onSettled: () => {
      client.clear();
      forgetDrafts();
    },
  });
}
