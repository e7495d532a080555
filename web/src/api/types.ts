// The shapes of the API, and the one place from which the rest of the dashboard imports them.

import type { components, operations } from "./schema";

type Schemas = components["schemas"];

export type SpecTask = Schemas["SpecTask"];
export type WorkSession = Schemas["WorkSession"];
export type TaskDetail = Schemas["TaskDetail"];
export type TaskStatus = SpecTask["status"];
export type TaskType = SpecTask["type"];
export type Priority = SpecTask["priority"];
export type Complexity = SpecTask["complexity"];
export type SessionStatus = WorkSession["status"];
export type Sandbox = Schemas["SandboxView"];
export type Usage = Schemas["UsageView"];
export type CheckResult = Schemas["CheckView"];
export type ReviewDecision = Schemas["ChangeReviewBody"]["decision"];
export type Activity = Schemas["Activity"];
export type Specs = Schemas["Specs"];
export type DiffHunk = Schemas["HunkView"];
export type FileDiff = Schemas["FileDiffView"];
export type Diff = Schemas["DiffView"];
export type DemoRepo = Schemas["DemoRepo"];
export type Agent = Schemas["AgentView"];
export type PermissionOption = Schemas["PermissionChoice"];
export type PermissionRequest = Schemas["PermissionRequest"];
export type InboxItem = Schemas["InboxItem"];
export type InboxUpdate = Schemas["InboxUpdate"];
export type InboxKind = InboxItem["kind"];
export type InboxAction = InboxItem["actions"][number];
export type Webhook = Schemas["WebhookView"];
export type WebhookDelivery = Schemas["WebhookDelivery"];
export type AgentQuestion = Schemas["QuestionView"];
export type Token = Schemas["TokenView"];
export type TokenScope = Schemas["TokenScope"];
export type NewToken = Schemas["NewToken"];
export type AuditEntry = Schemas["AuditView"];
export type Maintenance = Schemas["MaintenanceView"];
export type MaintenanceRun = Schemas["RunView"];
export type Removal = Schemas["Removal"];
export type RetentionRule = Schemas["RuleView"];
export type SpawnBody = Schemas["SpawnBody"];
export type BranchBody = Schemas["BranchBody"];
export type QueuedMessage = Schemas["QueuedMessage"];
export type Effort = WorkSession["effort"];
export type CoordinationEvent = Schemas["CoordinationView"];
export type CoordinationKind = CoordinationEvent["event_type"];
export type CoordinationLog = Schemas["CoordinationLog"];
export type Collision = Schemas["SessionCollision"];
export type Collisions = Schemas["Collisions"];
export type Timeline = Schemas["TimelineView"];
export type TimelineSpan = Schemas["SpanView"];
export type PlannedTask = Schemas["ImplementationTask"];
export type Template = Schemas["TemplateView"];
export type FromPrompt = Schemas["FromPrompt"];
export type EditTask = Schemas["EditTask"];
export type FromDemo = Schemas["FromDemo"];
export type NewProject = Schemas["NewProject"];
export type SettingsChange = Schemas["SettingsChange"];
export type DetectedRepository = Schemas["DetectedView"];
export type TaskSort = NonNullable<NonNullable<operations["get_spec_tasks"]["parameters"]["query"]>["sort"]>;
export type SearchKind = NonNullable<operations["get_search"]["parameters"]["query"]["kind"]>;
export type SearchResult = Schemas["SearchResult"];
export type Analytics = Schemas["Analytics"];
export type Problem = Schemas["Problem"];

export type Checklist = Schemas["ChecklistView"];
export type TaskProgress = Schemas["Progress"];
export type FleetItem = Schemas["FleetItem"];
export type FleetAgent = Schemas["FleetAgent"];
export type Fleet = Schemas["Fleet"];
export type ZedInstance = Schemas["ZedInstance"];
export type Finding = Schemas["FindingView"];
export type Comment = Schemas["CommentView"];
export type CommentKind = Comment["kind"];
export type NewComment = Schemas["CommentBody"];
export type PendingReview = Schemas["PendingReview"];
export type HeldSecret = Schemas["HeldSecret"];
export type SecretFinding = Schemas["SecretFinding"];
export type Review = Schemas["Review"];
export type ReviewBody = Schemas["ReviewBody"];
export type ChangeReviewBody = Schemas["ChangeReviewBody"];
export type Project = Schemas["ProjectView"];
export type ProjectEdit = Schemas["ProjectEdit"];

/** What the server sends over the live stream, told apart by `type`. */
export type StreamMessage = Schemas["StreamMessage"];
export type LiveMessage = Schemas["LiveMessage"];
/** The data of the messages of a type. */
export type LiveData<Type extends LiveMessage["type"]> = Extract<LiveMessage, { type: Type }>["data"];
export type Topic = Schemas["Topic"];
export type TaskUpdate = Schemas["TaskUpdate"];
export type WorkSessionUpdate = Schemas["WorkSessionUpdate"];
export type CoordinationUpdate = Schemas["CoordinationUpdate"];
export type ProgressUpdate = Schemas["ProgressUpdate"];

/** An entry of a session's log in its place; what else it has depends on its kind. */
export type LogEntry = Schemas["NumberedEntry"];
