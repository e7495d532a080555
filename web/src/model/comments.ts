// Comments of a review: which of them still ask for something.

import type { Comment } from "../api/types";

/** Whether a comment asks for something that is not settled; praise asks for nothing. */
export function isOpen({ resolved, kind }: Pick<Comment, "resolved" | "kind">): boolean {
  return !resolved && kind !== "praise";
}

/** A number of comments in words, as `1 comment`. */
export const countOf = (comments: number): string => (comments === 1 ? "1 comment" : `${comments} comments`);
