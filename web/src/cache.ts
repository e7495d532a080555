// The cache of the API's answers.

import { QueryCache, QueryClient } from "@tanstack/react-query";
import { ApiError, OfflineError } from "./api/client";

let onLoggedOut: () => void = () => undefined;

/** Says what happens when an answer shows that the login has ended. */
export function whenLoggedOut(act: () => void): void {
  onLoggedOut = act;
}

export const client = new QueryClient({
  queryCache: new QueryCache({
    onError: (error) => {
      if (error instanceof ApiError && error.status === 401) onLoggedOut();
    },
  }),
  defaultOptions: {
    queries: {
      // The live stream keeps answers true; a page that is opened again looks once more.
      staleTime: 10_000,
      refetchOnWindowFocus: false,
      // A server on this machine answers without a network.
      networkMode: "always",
      retry: (failures, error) => failures < 2 && (error instanceof OfflineError || isBusy(error)),
      retryDelay: (attempt) => Math.min(500 * 2 ** attempt, 4000),
    },
    mutations: { networkMode: "always", retry: false },
  },
});

function isBusy(error: Error): boolean {
  return error instanceof ApiError && error.status === 503;
}
