import { expect, test } from "vitest";
import type { LiveMessage } from "../live";
import { inbox, settled } from "./inbox";

const message = (seq: number, type: string, data: unknown): LiveMessage => ({
  seq,
  topic: "fleet",
  type,
  data,
});
const numbers = (messages: readonly LiveMessage[]) => messages.map(({ seq }) => seq);

test("a burst is handed on together, once", () => {
  const handed: number[][] = [];
  const awaited: (() => void)[] = [];
  const box = inbox(
    (messages) => handed.push(numbers(messages)),
    (act) => awaited.push(act),
  );
  box.put(message(1, "session.event", { seq: 1 }));
  box.put(message(2, "session.event", { seq: 2 }));
  expect([handed, awaited.length]).toEqual([[], 1]);
  awaited.shift()?.();
  expect(handed).toEqual([[1, 2]]);
  box.put(message(3, "session.event", { seq: 3 }));
  box.flush();
  awaited.shift()?.();
  expect(handed).toEqual([[1, 2], [3]]);
});

test("of news about the same thing the last is kept, of a conversation everything", () => {
  const messages = [
    message(1, "progress", { spec_task_id: "a" }),
    message(2, "session.event", { seq: 1 }),
    message(3, "progress", { spec_task_id: "b" }),
    message(4, "progress", { spec_task_id: "a" }),
    message(5, "session.event", { seq: 2 }),
    message(6, "task.updated", { id: "a" }),
    message(7, "work_session.updated", { id: "a" }),
    message(8, "unheard of", null),
  ];
  expect(numbers(settled(messages))).toEqual([2, 3, 4, 5, 6, 7, 8]);
});
