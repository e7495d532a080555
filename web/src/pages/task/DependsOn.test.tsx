import { QueryClientProvider } from "@tanstack/react-query";
import { render, screen, waitFor } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { useState } from "react";
import { expect, test } from "vitest";
import { client } from "../../cache";
import { findings } from "../../testing/axe";
import { aTask, aTaskDetail } from "../../testing/fixtures";
import { http, refusal, server, total } from "../../testing/network";
import { DependsOn } from "./DependsOn";

const TASKS = [
  aTask({ id: "spt_1", short_id: "SPEC-1", name: "Add due dates" }),
  aTask({ id: "spt_2", short_id: "SPEC-2", name: "Sort by date" }),
  aTask({ id: "spt_3", short_id: "SPEC-3", name: "Remind of dates" }),
];

function show({ first = [], error }: { first?: string[]; error?: string } = {}) {
  client.clear();
  const asked: (string | null)[] = [];
  server.use(
    http.get("/api/v1/spec-tasks", ({ query, response }) => {
      const q = query.get("q");
      asked.push(q);
      const found = TASKS.filter(({ name, short_id }) => `${short_id} ${name}`.includes(q ?? ""));
      return response(200).json(found, total(found.length));
    }),
    http.get("/api/v1/spec-tasks/{id}", ({ params, response }) => {
      const task = TASKS.find(({ id }) => id === params.id);
      return task ? response(200).json(aTaskDetail(task)) : response.untyped(refusal(404, "No such task."));
    }),
  );
  const chosen: string[][] = [];
  function Form() {
    const [ids, setIds] = useState(first);
    return (
      <DependsOn
        task="spt_1"
        value={ids}
        error={error}
        onChange={(next) => {
          chosen.push(next);
          setIds(next);
        }}
      />
    );
  }
  render(
    <QueryClientProvider client={client}>
      <Form />
    </QueryClientProvider>,
  );
  return { asked, chosen, person: userEvent.setup({ delay: null, pointerEventsCheck: 0 }) };
}

const field = () => screen.getByRole("combobox", { name: "Waits for" });
const options = async () => (await screen.findAllByRole("option")).map((each) => each.textContent);

test("other tasks are offered by short id and name, and axe finds nothing", async () => {
  const { person } = show();
  expect(await findings()).toEqual([]);
  await person.click(field());
  expect(await options()).toEqual(["SPEC-2 Sort by date", "SPEC-3 Remind of dates"]);
  expect(await findings()).toEqual([]);
});

test("a task is found by words and chosen with the keyboard", async () => {
  const { asked, chosen, person } = show();
  await person.type(field(), "Remind");
  await waitFor(async () => expect(await options()).toEqual(["SPEC-3 Remind of dates"]));
  expect(asked.at(-1)).toBe("Remind");
  await person.keyboard("{ArrowDown}{Enter}");
  expect(chosen).toEqual([["spt_3"]]);
  await screen.findByText("SPEC-3 Remind of dates");
  expect(await findings()).toEqual([]);
});

test("a chosen task is not offered again, and can be taken back", async () => {
  const { chosen, person } = show({ first: ["spt_2"] });
  await screen.findByText("SPEC-2 Sort by date");
  await person.click(field());
  expect(await options()).toEqual(["SPEC-3 Remind of dates"]);
  await person.keyboard("{Backspace}");
  expect(chosen).toEqual([[]]);
});

test("a refused choice says why, at the field", async () => {
  show({ first: ["spt_9"], error: "spt_9 is no task of yours." });
  const described = document.getElementById(field().getAttribute("aria-describedby") ?? "");
  expect(described?.textContent).toBe("spt_9 is no task of yours.");
  expect(field().getAttribute("aria-invalid")).toBe("true");
  // What cannot be read is named by its id.
  await screen.findByText("spt_9");
});
