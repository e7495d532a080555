// How large a change is: the files of the work, and beside them the task's own documents.

import type { Diff, FileDiff, SpecTask } from "../api/types";

export interface ChangeSize {
  files: number;
  additions: number;
  deletions: number;
  /** How many of the task's documents come with it; null while not every file is read, and all are counted as files. */
  documents: number | null;
}

/** Whether agents may have committed work: after approval of the specification, or without one, after the start. */
export function mayHaveChange(task: Pick<SpecTask, "planned" | "status" | "spec_approved_at">): boolean {
  return task.spec_approved_at !== null || (!task.planned && task.status !== "backlog");
}

/** Whether a file is one of a task's documents, which are merged with its change. */
export function isDocument(task: string, file: Pick<FileDiff, "path">): boolean {
  return file.path.startsWith(`specs/${task}/`);
}

/** The size of a change, from its files as far as they are read. */
export function changeSize(
  task: string,
  whole: Pick<Diff, "total_files" | "additions" | "deletions">,
  files: readonly Pick<FileDiff, "path" | "additions" | "deletions">[],
): ChangeSize {
  const { total_files, additions, deletions } = whole;
  if (files.length < total_files) return { files: total_files, additions, deletions, documents: null };
  const work = files.filter((file) => !isDocument(task, file));
  return {
    files: work.length,
    additions: work.reduce((sum, file) => sum + file.additions, 0),
    deletions: work.reduce((sum, file) => sum + file.deletions, 0),
    documents: files.length - work.length,
  };
}

/** The documents of a change beside its files, as `4 spec documents`; nothing where it has none. */
export function documentsOf({ documents }: ChangeSize): string {
  if (documents === null) return "spec documents included";
  return documents === 0 ? "" : documents === 1 ? "1 spec document" : `${documents} spec documents`;
}

/** A change in a line, as `8 files, +116 −26 · 4 spec documents`. */
export function sizeLine(size: ChangeSize): string {
  const lines = size.files > 0 && `, +${size.additions} −${size.deletions}`;
  const files = `${filesOf(size)}${lines || ""}`;
  return [files, documentsOf(size)].filter(Boolean).join(" · ");
}

export function filesOf({ files }: ChangeSize): string {
  if (files === 0) return "No files";
  return files === 1 ? "1 file" : `${files} files`;
}
