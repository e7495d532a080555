// The shapes of the API, and the one place from which the rest of the dashboard imports them.
//
// They come from the OpenAPI document; here they are narrower where the document leaves a value open.

import type { components } from "./schema";

type Schemas = components["schemas"];

/** A shape in which some fields are known more closely than the document says. */
type With<Shape, Closer> = Omit<Shape, keyof Closer> & Closer;

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
export type Token = With<
  Schemas["TokenView"],
  { scope: TokenScope; status: "valid" | "expired" | "revoked" }
>;
export type TokenScope = Schemas["TokenScope"];
export type NewToken = Schemas["NewToken"];
export type CreatedToken = Schemas["CreatedToken"];
export type AuditEntry = Schemas["AuditView"];
export type Maintenance = Schemas["MaintenanceView"];
export type MaintenanceRun = Schemas["RunView"];
export type Removal = Schemas["Removal"];
export type RetentionRule = Schemas["RuleView"];
export type AuditValues = Schemas["AuditValuesView"];
export type Me = Schemas["Me"];
export type SpawnBody = Schemas["SpawnBody"];
export type BranchBody = Schemas["BranchBody"];
export type SessionDetail = Schemas["SessionDetail"];
export type SessionDiff = Schemas["SessionDiffView"];
export type QueuedMessage = Schemas["QueuedMessage"];
export type Effort = WorkSession["effort"];
export type CoordinationEvent = Schemas["CoordinationView"];
export type CoordinationKind = CoordinationEvent["event_type"];
export type CoordinationLog = With<
  Schemas["CoordinationLog"],
  { events_by_type: Partial<Record<CoordinationKind, number>> }
>;
export type Collision = Schemas["SessionCollision"];
export type Collisions = Schemas["Collisions"];
export type Timeline = Schemas["TimelineView"];
export type TimelineSpan = Schemas["SpanView"];
export type PlainTask = Schemas["PlainTask"];
export type PlannedTask = Schemas["ImplementationTask"];
export type Template = Schemas["TemplateView"];
export type FromPrompt = Schemas["FromPrompt"];
export type EditTask = Schemas["EditTask"];
export type FromDemo = Schemas["FromDemo"];
export type NewProject = Schemas["NewProject"];
export type SearchKind = "task" | "spec" | "transcript";
export type SearchResult = With<Schemas["SearchResult"], { kind: SearchKind }>;
export type Analytics = Schemas["Analytics"];
export type Problem = Schemas["Problem"];

export type ItemStatus = "pending" | "in_progress" | "completed";
type ChecklistItem = With<Schemas["ChecklistItem"], { status: ItemStatus }>;
export type Checklist = With<
  Schemas["ChecklistView"],
  { tasks: ChecklistItem[]; in_progress_task?: ChecklistItem | null }
>;
export type TaskProgress = With<Schemas["Progress"], { checklist: Checklist }>;

export type FleetItem = With<Schemas["FleetItem"], { status: ItemStatus }>;
export type FleetAgent = With<
  Schemas["FleetAgent"],
  {
    current_task: FleetItem | null;
    task_list: FleetItem[];
    tasks_before: FleetItem[];
    tasks_after: FleetItem[];
  }
>;
export type Fleet = With<Schemas["Fleet"], { agents: FleetAgent[] }>;

export type InstanceStatus = "not_created" | "pending" | "active" | "disconnected" | "completed" | "failed";
export type ZedInstance = With<
  Schemas["ZedInstance"],
  { status: InstanceStatus; agent: { name?: string; version?: string } | null }
>;

export type Finding = With<Schemas["FindingView"], { severity: "error" | "warning" | "info" }>;
export type Comment = With<
  Schemas["CommentView"],
  { anchor: "kept" | "changed" | "outdated"; status: "open" | "answered" | "resolved" }
>;
export type CommentKind = Comment["kind"];
export type NewComment = Schemas["CommentBody"];
export type PendingReview = Schemas["PendingReview"];
export type NewLineComment = Schemas["LineCommentBody"];
export type DocumentView = Schemas["DocumentView"];
export type HeldSecret = With<
  Schemas["HeldSecret"],
  { document: "requirements" | "design" | "tasks"; decision: "keep" | "remove" | null }
>;
export type SecretFinding = Schemas["SecretFinding"];
export type Review = With<
  Schemas["Review"],
  {
    comments: Comment[];
    decision: ReviewDecision | null;
    diff_from_previous: Partial<Record<"requirements" | "design" | "tasks", string>> | null;
  }
>;

export type NetworkMode = "open" | "allowlist" | "none";
export type PermissionPolicy = "allow" | "ask" | "read_only";
export interface ProjectSettings {
  spec_agent?: string | null;
  implementation_agent?: string | null;
  max_parallel_sessions?: number | null;
  checks?: string[];
  setup_command?: string | null;
  permissions?: PermissionPolicy;
  /** Absent or null is as the server's configuration says. */
  network?: NetworkMode | null;
  network_allow?: string[];
  /** The sample repository that the project was made from. */
  sample?: string;
}
export type Project = With<Schemas["ProjectView"], { settings: ProjectSettings }>;

/** An entry of a session's log; what else it has depends on its kind. */
export interface LogEntry {
  seq: number;
  at: string;
  kind: string;
  [field: string]: unknown;
}
