import { render, screen, within } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { expect, test } from "vitest";
import type { AgentOption } from "../api/types";
import type { OptionValues } from "../model/agentOptions";
import { findings } from "../testing/axe";
import { OptionFields } from "./OptionFields";

const value = (value: string, name: string, group: string | null = null) => ({
  value,
  name,
  group,
  description: null,
});

const MODEL: AgentOption = {
  id: "model",
  name: "Model",
  category: "model",
  type: "select",
  description: "What writes the code.",
  current_value: "large",
  values: [value("large", "Large", "Fast"), value("small", "Small", "Fast"), value("old", "Old", "Others")],
};
const MODE: AgentOption = {
  ...MODEL,
  id: "mode",
  name: "Mode",
  category: "mode",
  description: null,
  current_value: "ask",
  values: [value("ask", "Ask"), value("code", "Code")],
};
const EFFORT: AgentOption = {
  ...MODE,
  id: "effort",
  name: "Effort",
  category: "thought_level",
  current_value: "high",
  values: [value("low", "Low"), value("high", "High")],
};
const WEB: AgentOption = {
  ...MODE,
  id: "web",
  name: "Web search",
  category: null,
  type: "boolean",
  current_value: true,
  values: [],
};
const ALL = [MODEL, MODE, EFFORT, WEB];

function show(props: Partial<Parameters<typeof OptionFields>[0]> = {}) {
  const chosen: [string, OptionValues[string] | undefined][] = [];
  render(<OptionFields options={ALL} values={{}} onChange={(...change) => chosen.push(change)} {...props} />);
  return { chosen, person: userEvent.setup({ delay: null, pointerEventsCheck: 0 }) };
}

const field = (name: string) => screen.getByRole("combobox", { name });

test("model, mode and effort have names and show what is set; axe finds nothing, also in an open list", async () => {
  const { person } = show();
  expect(["Model", "Mode", "Effort"].map((name) => field(name).textContent)).toEqual([
    "Large",
    "Ask",
    "High",
  ]);
  screen.getByText("What writes the code.");
  expect((screen.getByRole("switch", { name: "Web search" }) as HTMLInputElement).checked).toBe(true);
  expect(await findings()).toEqual([]);
  await person.click(field("Model"));
  const list = await screen.findByRole("listbox", { name: "Model" });
  expect(within(list).getAllByRole("option")).toHaveLength(3);
  expect(await findings()).toEqual([]);
});

test("a value is chosen with the keyboard", async () => {
  const { chosen, person } = show();
  field("Mode").focus();
  await person.keyboard("{Enter}");
  await screen.findByRole("listbox", { name: "Mode" });
  await person.keyboard("{ArrowDown}{Enter}");
  await person.click(screen.getByRole("switch", { name: "Web search" }));
  expect(chosen).toEqual([
    ["mode", "code"],
    ["web", false],
  ]);
});

test("values are grouped as the agent groups them", async () => {
  const { chosen, person } = show();
  await person.click(field("Model"));
  const list = await screen.findByRole("listbox", { name: "Model" });
  expect(list.textContent).toBe("FastLargeSmallOthersOld");
  // The heading is passed by.
  await person.keyboard("{ArrowDown}{ArrowDown}{Enter}");
  expect(chosen).toEqual([["model", "old"]]);
});

test("a choice that can be taken back says what no choice means, for flags too", async () => {
  const { chosen, person } = show({
    values: { mode: "code" },
    unchosen: "As the agent is set",
    prefix: "Planning: ",
  });
  expect(field("Planning: Model").textContent).toBe("As the agent is set");
  expect(field("Planning: Mode").textContent).toBe("Code");
  await person.click(field("Planning: Mode"));
  await person.click(await screen.findByRole("option", { name: "As the agent is set" }));
  await person.click(field("Planning: Web search"));
  await person.click(await screen.findByRole("option", { name: "Off" }));
  expect(chosen).toEqual([
    ["mode", undefined],
    ["web", false],
  ]);
  expect(await findings()).toEqual([]);
});

test("a value that the agent offers no more is still shown, and nothing is chosen while it cannot be", () => {
  show({ options: [{ ...MODE, current_value: "gone" }], disabled: true });
  expect(field("Mode").textContent).toBe("gone");
  expect(field("Mode").getAttribute("aria-disabled")).toBe("true");
});
