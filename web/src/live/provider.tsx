// Joins the live stream to the cache for as long as a person is signed in.

import { useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect, useState, useSyncExternalStore } from "react";
import type { Topic } from "../api/types";
import { type LiveStatus, LiveStream } from "../live";
import { apply } from "./apply";
import { messageBuffer } from "./buffer";
import { keys } from "./keys";
import { refresher } from "./refresher";

const Live = createContext<LiveStream | null>(null);

/** The queries that the live stream does not keep up to date by itself. */
const STEADY: readonly unknown[] = [keys.agents[0], keys.samples[0], keys.projects[0]];

/** How long after its beginning a page has shown what it is opened for, in milliseconds. */
const SETTLED = 2000;

export function LiveProvider({ children }: { children: ReactNode }) {
  const client = useQueryClient();
  const [stream] = useState(() => {
    let isBegun = false;
    const readAnew = () =>
      void client.invalidateQueries({ predicate: (query) => !STEADY.includes(query.queryKey[0]) });
    const refresh = refresher((queryKey) => void client.invalidateQueries({ queryKey }));
    const news = messageBuffer((messages) => apply(client, messages, refresh));
    const scheme = window.location.protocol === "https:" ? "wss" : "ws";
    return new LiveStream({
      url: `${scheme}://${window.location.host}/api/v1/ws`,
      handlers: {
        message: news.put,
        subscribed: (topics) => {
          // What could not be read while the server was away is read now, and shows no error any more.
          void client.invalidateQueries({ predicate: (query) => query.state.status === "error" });
          for (const topic of topics) if (topic.topic === "session" && topic.id) refresh(keys.log(topic.id));
        },
        snapshot: () => {
          // What was asked for just before is shown first, and asked for again when that is done.
          setTimeout(readAnew, isBegun ? 0 : SETTLED);
          isBegun = true;
        },
        // A refused connection may mean that the login ended: the answer to this says so.
        closed: () => void client.invalidateQueries({ queryKey: keys.me }),
      },
    });
  });

  useEffect(() => {
    const release = stream.subscribe({ topic: "fleet" });
    // A network that changed, and a machine that slept, may have cut the stream without a word.
    const check = () => stream.check();
    stream.start();
    window.addEventListener("online", check);
    window.addEventListener("offline", check);
    document.addEventListener("visibilitychange", check);
    return () => {
      window.removeEventListener("online", check);
      window.removeEventListener("offline", check);
      document.removeEventListener("visibilitychange", check);
      release();
      stream.stop();
    };
  }, [stream]);

  return <Live.Provider value={stream}>{children}</Live.Provider>;
}

/** Listens to a topic while the component is shown. */
export function useTopic(topic: Topic["topic"], id: string | null): void {
  const stream = useContext(Live);
  useEffect(() => {
    if (!stream || id === null) return;
    return stream.subscribe({ topic, id });
  }, [stream, topic, id]);
}

export function useLiveStatus(): LiveStatus {
  const stream = useContext(Live);
  return useSyncExternalStore(
    (listener) => stream?.onStatus(listener) ?? (() => undefined),
    () => stream?.status ?? "connecting",
  );
}

/** Whether the stream broke off: nothing can be decided, and what is shown may be out of date. */
export function useIsOffline(): boolean {
  return useLiveStatus() === "offline";
}

export function useReconnect(): () => void {
  const stream = useContext(Live);
  return () => stream?.reconnectNow();
}
