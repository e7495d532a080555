import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HotkeysProvider } from "react-hotkeys-hook";
import { expect, test, vi } from "vitest";
import { PAGE_KEYS, useGoKeys, useHotkey } from "./hotkeys";

const approve = vi.fn();
const go = vi.fn();

function Keys() {
  useHotkey("a", approve);
  useHotkey("?", () => go("help"));
  useGoKeys({ a: "/agents" }, go);
  return <input aria-label="Message" />;
}

const shown = () =>
  render(
    <HotkeysProvider initiallyActiveScopes={PAGE_KEYS}>
      <Keys />
    </HotkeysProvider>,
  );

test("a key after g leads to a page, and does not do what it does alone", async () => {
  shown();
  await userEvent.keyboard("ga");
  expect(go).toHaveBeenCalledExactlyOnceWith("/agents");
  expect(approve).not.toHaveBeenCalled();
  await userEvent.keyboard("a");
  expect(approve).toHaveBeenCalledOnce();
});

test("a key after g that leads nowhere does nothing", async () => {
  shown();
  go.mockClear();
  await userEvent.keyboard("gx");
  await userEvent.keyboard("{Shift>}?{/Shift}");
  expect(go).toHaveBeenCalledExactlyOnceWith("help");
});

test("what is typed into a field is no command", async () => {
  shown();
  approve.mockClear();
  await userEvent.type(screen.getByLabelText("Message"), "again, a");
  expect(approve).not.toHaveBeenCalled();
  expect(screen.getByLabelText("Message")).toHaveProperty("value", "again, a");
});
