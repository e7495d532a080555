// The comments on lines of a change that are not sent yet: kept by the server, so that they are there in any browser.

import { useQuery } from "@tanstack/react-query";
import { useCallback, useMemo } from "react";
import { usePendingReview } from "../../api/actions";
import { pendingReviewQuery } from "../../api/queries";

/** A comment on a line of the change that is sent with the review. */
export interface LineDraft {
  id: string;
  path: string;
  side: "old" | "new";
  line: number;
  /** The code that it is about. */
  quote: string;
  comment: string;
}

/** The key of a line; it has one comment. */
export function lineId({ path, side, line }: Pick<LineDraft, "path" | "side" | "line">): string {
  return `${side}:${line}:${path}`;
}

export function useLineDrafts(task: string, isOn: boolean) {
  const read = useQuery({ ...pendingReviewQuery(task), enabled: isOn }).data;
  const { mutate, error, isPending, variables } = usePendingReview(task);
  // What the server has not answered yet is newer than what was read from it.
  const kept = isPending ? variables : read;
  const drafts = useMemo(
    () =>
      (kept?.line_comments ?? []).map(({ path, side, line, quoted_text: quote = "", comment }): LineDraft => {
        const place = { path, side: side ?? "new", line } as const;
        return { ...place, id: lineId(place), quote, comment };
      }),
    [kept],
  );
  const setDrafts = useCallback(
    (next: LineDraft[]) =>
      mutate({
        line_comments: next.map(({ path, side, line, quote, comment }) => ({
          path,
          side,
          line,
          quoted_text: quote,
          comment,
        })),
      }),
    [mutate],
  );
  return { drafts, setDrafts, error };
}
