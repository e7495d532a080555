import { screen, within } from "@testing-library/react";
import { expect, test } from "vitest";
import type { ProjectUsage } from "../../api/types";
import { aProject, aUsage } from "../../testing/fixtures";
import { http, server } from "../../testing/network";
import { fill, open } from "../../testing/page";

const having = (usage: ProjectUsage) =>
  http.get("/api/v1/projects/{id}/usage", ({ response }) => response(200).json(usage));

test("a project shows what it used today, and that its budget is used up", async () => {
  const today = { ...aUsage().today, turns: 4, turns_without_cost: 1, cost_usd: 5, input_tokens: 1200 };
  server.use(
    having(aUsage({ today, daily_cost_usd: 5, exhausted: "The project's daily budget is used up." })),
  );
  await open("/projects");
  const line = await screen.findByText(/^Today:/);
  expect(line.textContent).toMatch(/^Today: \$5\.00 of \$5\.00 · 1\.2K? tokens|Today: \$5\.00 of \$5\.00/);
  expect(line.textContent).toContain("1 turn without a reported cost");
  expect(line.textContent).toContain("Budget used up");
});

test("a cost that no agent reports is not shown as 0", async () => {
  const today = { ...aUsage().today, turns: 2, turns_without_cost: 2, input_tokens: 500 };
  server.use(having(aUsage({ today })));
  await open("/projects");
  expect((await screen.findByText(/^Today:/)).textContent).toBe("Today: cost not reported · 500 tokens");
});

test.each([
  [
    "nothing ran yet",
    { turns: 0 },
    { daily_cost_usd: 0.5, daily_tokens: 1000 },
    "$0 of $0.50 · 0 of 1K tokens",
  ],
  ["nothing ran yet, tokens limited", { turns: 0 }, { daily_tokens: 1000 }, "0 of 1K tokens"],
  [
    "nothing is reported",
    { turns: 2, turns_without_cost: 2, turns_without_tokens: 2 },
    { daily_cost_usd: 0.5, daily_tokens: 1000 },
    "cost not reported (budget $0.50) · tokens not reported (budget 1K tokens)",
  ],
  [
    "tokens are not reported",
    { turns: 1, cost_usd: 0.2, turns_without_tokens: 1 },
    { daily_cost_usd: 0.5 },
    "$0.20 of $0.50 · tokens not reported",
  ],
])("budgets read well while %s", async (_, today, budget, line) => {
  server.use(having(aUsage({ today: { ...aUsage().today, ...today }, ...budget })));
  await open("/projects");
  expect((await screen.findByText(/^Today:/)).textContent).toBe(`Today: ${line}`);
});

test("a budget that is saved is shown at once", async () => {
  let budget: number | null = null;
  server.use(
    http.get("/api/v1/projects/{id}/usage", ({ response }) =>
      response(200).json(aUsage({ daily_cost_usd: budget })),
    ),
    http.put("/api/v1/projects/{id}", ({ response }) => {
      budget = 2.5;
      return response(200).json(aProject());
    }),
  );
  const person = await open("/projects");
  await person.click(await screen.findByRole("button", { name: "Settings of todo" }));
  const dialog = within(await screen.findByRole("dialog"));
  await fill(person, dialog.getByLabelText("Daily budget in dollars"), "2.5");
  await person.click(dialog.getByRole("button", { name: "Save" }));
  expect((await screen.findByText(/^Today:/)).textContent).toBe("Today: $0 of $2.50");
});

test("the settings begin with the values of the trusted file, which stay the file's", async () => {
  const project = aProject({
    settings: { repair_rounds: null, on_limit: null },
    effective_settings: {
      repair_rounds: { value: 5, source: "file" },
      on_limit: { value: "wait", source: "file" },
    },
  });
  let sent: unknown;
  server.use(
    http.get("/api/v1/projects", ({ response }) => response(200).json([project])),
    http.put("/api/v1/projects/{id}", async ({ request, response }) => {
      sent = await request.json();
      return response(200).json(project);
    }),
  );
  const person = await open("/projects");
  await person.click(await screen.findByRole("button", { name: "Settings of todo" }));
  const dialog = within(await screen.findByRole("dialog"));
  expect((dialog.getByLabelText("Repair rounds") as HTMLInputElement).value).toBe("5");
  expect(dialog.getByText("Wait for the end of the limit")).toBeTruthy();
  await fill(person, dialog.getByLabelText("Daily budget in dollars"), "2.5");
  await person.click(dialog.getByRole("button", { name: "Save" }));
  await expect.poll(() => sent).toMatchObject({ settings: { daily_cost_usd: 2.5 } });
  expect((sent as { settings: object }).settings).toEqual({ daily_cost_usd: 2.5 });
});
