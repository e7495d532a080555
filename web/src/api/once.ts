// Requests that are repeated because no answer came take effect once.

import { useRef } from "react";
import { ApiError, newKey } from "./client";

interface Sending {
  isSuccess: boolean;
  error: unknown;
}

/** Whether the server has answered and keeps its answer: under the same key there would be no other. */
export function isAnswered({ isSuccess, error }: Sending): boolean {
  return isSuccess || (error instanceof ApiError && error.status < 500);
}

/** The keys of what a form sends: the same words keep theirs until they are answered. */
export function useOnce(sending: Sending): (words: unknown) => string {
  const last = useRef({ words: "", key: "" });
  return (words) => {
    const said = JSON.stringify(words);
    if (last.current.words !== said || isAnswered(sending)) last.current = { words: said, key: newKey() };
    return last.current.key;
  };
}
