// A session's log, for those parts of a page that show it: the others are not drawn again with every word.

import { type UseQueryResult, useQuery, useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useState } from "react";
import { logQuery } from "../../api/queries";
import type { WorkSession } from "../../api/types";
import { useTopic } from "../../live/provider";
import type { Log } from "../../model/log";
import { type Block, Transcript } from "../../model/transcript";

/** A session's log as it grows, and its blocks. */
interface Talk {
  log: UseQueryResult<Log>;
  blocks: readonly Block[];
}

const Current = createContext<Talk | null>(null);

/** Subscribes its children to a session; another session needs another one (set its key). */
export function Talking({ session, children }: { session: WorkSession; children: ReactNode }) {
  useTopic("session", session.id);
  const log = useQuery(logQuery(useQueryClient(), session.id));
  const [transcript] = useState(() => new Transcript());
  const blocks = log.data?.isRead ? transcript.read(log.data.entries) : NOTHING;
  return <Current.Provider value={{ log, blocks }}>{children}</Current.Provider>;
}

const NOTHING: readonly Block[] = [];

export function useTalk(): Talk {
  const talk = useContext(Current);
  if (!talk) throw new Error("only within a session");
  return talk;
}
