import { expect, test } from "vitest";
import type { LiveData, LiveMessage } from "../api/types";
import { aSessionUpdate, aTaskUpdate } from "../testing/fixtures";
import { messageBuffer, settled } from "./buffer";

const message = <Type extends LiveMessage["type"]>(seq: number, type: Type, data: LiveData<Type>) =>
  ({ seq, topic: "fleet", type, data }) as LiveMessage;
const entry = (seq: number): LiveData<"session.event"> => ({ seq, at: "", kind: "notice", text: "" });
const review = (task: string): LiveData<"review"> => ({
  spec_task_id: task,
  event: "commented",
  status: "spec_review",
});
const numbers = (messages: readonly LiveMessage[]) => messages.map(({ seq }) => seq);

test("a burst is handed on together, once", () => {
  const handed: number[][] = [];
  const awaited: (() => void)[] = [];
  const box = messageBuffer(
    (messages) => handed.push(numbers(messages)),
    (act) => awaited.push(act),
  );
  box.put(message(1, "session.event", entry(1)));
  box.put(message(2, "session.event", entry(2)));
  expect([handed, awaited.length]).toEqual([[], 1]);
  awaited.shift()?.();
  expect(handed).toEqual([[1, 2]]);
  box.put(message(3, "session.event", entry(3)));
  box.flush();
  awaited.shift()?.();
  expect(handed).toEqual([[1, 2], [3]]);
});

test("of news about the same thing the last is kept, of a conversation everything", () => {
  const messages = [
    message(1, "review", review("a")),
    message(2, "session.event", entry(1)),
    message(3, "review", review("b")),
    message(4, "review", review("a")),
    message(5, "session.event", entry(2)),
    message(6, "task.updated", aTaskUpdate({ id: "a" })),
    message(7, "work_session.updated", aSessionUpdate({ id: "a" })),
  ];
  expect(numbers(settled(messages))).toEqual([2, 3, 4, 5, 6, 7]);
});
