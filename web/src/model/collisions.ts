// Collisions between sessions, in a line.

import type { Collision } from "../api/types";

/** The files in which a collision is a conflict. */
export const conflicts = (collision: Pick<Collision, "files">) =>
  collision.files.filter((file) => file.state === "conflict");

/** Several collisions in a line, as `4 collisions, 3 with conflicts`. */
export function collisionSummary(collisions: readonly Pick<Collision, "files">[]): string {
  const hard = collisions.filter((collision) => conflicts(collision).length > 0).length;
  const count = collisions.length === 1 ? "1 collision" : `${collisions.length} collisions`;
  if (hard === 0) return `${count}, none with conflicts`;
  return `${count}, ${hard === collisions.length ? "all" : hard} with conflicts`;
}
