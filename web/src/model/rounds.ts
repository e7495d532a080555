// The names of review rounds.

import type { Review } from "../api/types";
import type { DocumentName } from "./documents";

type Version = Pick<Review, "id" | "round" | "edited_by">;

/** Names each version of the documents, by id, oldest first; a round that a person edits has several. */
export function roundNames(versions: readonly Version[]): Map<string, string> {
  const nameOf = (version: Version) => {
    const sameRound = versions.filter(({ round }) => round === version.round);
    const parts = [
      `Round ${version.round}`,
      sameRound.length > 1 && `version ${sameRound.indexOf(version) + 1}`,
      version.edited_by && `edited by ${version.edited_by}`,
    ];
    return parts.filter(Boolean).join(" · ");
  };
  return new Map(versions.map((version) => [version.id, nameOf(version)]));
}

/** The changes of a version to each document, as unified diffs. */
export const changesOf = (
  version: Pick<Review, "diff_from_previous">,
): Partial<Record<DocumentName, string>> => version.diff_from_previous ?? {};
