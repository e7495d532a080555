// The types of a project's settings. The API's document leaves them open.

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
  /** Variables of the project's processes, which are no secrets. */
  env?: Record<string, string>;
  /** How many sessions may hold each resource at once. */
  resources?: Record<string, number>;
  boundaries?: string[];
  repair_rounds?: number | null;
  on_limit?: string | null;
  /** Dollars per day; 0 is no limit. */
  daily_cost_usd?: number | null;
  /** Input and output tokens per day; 0 is no limit. */
  daily_tokens?: number | null;
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

/** The settings with which a project's page begins: a person's, and those of the trusted file. */
export const settingsInForce = (project: Project): ProjectSettings => {
  const ofFile = Object.entries(project.effective_settings ?? {}).filter(
    ([, setting]) => setting.source === "file",
  );
  return {
    ...settingsOf(project),
    ...Object.fromEntries(ofFile.map(([name, setting]) => [name, setting.value])),
  };
};
