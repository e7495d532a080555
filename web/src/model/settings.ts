// What a project's settings are. The API's document leaves them open.

import type { Project } from "../api/types";

export type NetworkMode = "open" | "allowlist" | "none";
export type PermissionPolicy = "allow" | "ask" | "read_only";

export interface ProjectSettings {
  spec_agent?: string | null;
  implementation_agent?: string | null;
  max_parallel_sessions?: number | null;
  checks?: string[];
  setup_command?: string | null;
  teardown_command?: string | null;
  /** Absent is true. */
  setup_cache?: boolean;
  test_command?: string | null;
  boundaries?: string[];
  permissions?: PermissionPolicy;
  /** Absent or null is as the server's configuration says. */
  network?: NetworkMode | null;
  network_allow?: string[];
  /** The sample repository that the project was made from. */
  sample?: string;
}

/** The settings of a project, as the server writes them. */
export const settingsOf = (project: Pick<Project, "settings"> | undefined) =>
  (project?.settings ?? {}) as ProjectSettings;
