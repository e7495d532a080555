import { fireEvent, render, screen, waitFor } from "@testing-library/react";
import { ws } from "msw";
import { expect, test } from "vitest";
import { aSession } from "../../testing/fixtures";
import { server } from "../../testing/network";
import { Terminal } from "./Terminal";

const link = ws.link("ws://localhost:3000/api/v1/work-sessions/:id/terminal");

window.matchMedia ??= (query: string) =>
  Object.assign(new EventTarget(), {
    matches: false,
    media: query,
    onchange: null,
    addListener: () => undefined,
    removeListener: () => undefined,
  });

// Colours are measured on a canvas, which jsdom has not.
HTMLCanvasElement.prototype.getContext = () => null;

test("a terminal takes what is typed, confirms what it shows, and says why it ended", async () => {
  const said: unknown[] = [];
  let typed = "";
  let opened = 0;
  server.use(
    link.addEventListener("connection", ({ client }) => {
      opened += 1;
      expect(client.url.searchParams.get("columns")).toBe("80");
      client.addEventListener("message", ({ data }) => {
        if (typeof data === "string") {
          said.push(JSON.parse(data));
          return;
        }
        typed += new TextDecoder().decode(data as unknown as ArrayBuffer);
        if (typed !== "exit\r") return;
        client.send(
          JSON.stringify({ type: "ended", reason: "exited", detail: "The shell ended.", exit_code: 0 }),
        );
      });
      client.send(JSON.stringify({ type: "opened", is_new: true, grace_seconds: 60 }));
      client.send(new TextEncoder().encode("hello").buffer);
    }),
  );
  render(<Terminal session={aSession()} />);
  expect(opened).toBe(0);
  fireEvent.click(screen.getByRole("button", { name: "Open terminal" }));
  const input = await screen.findByRole("textbox");
  await screen.findByText("Shift+Esc leaves the terminal.");
  await waitFor(() => expect(said).toContainEqual({ shown: 5 }));

  // The keyboard is not caught.
  fireEvent.keyDown(input, { key: "Escape", shiftKey: true });
  expect(document.activeElement).toBe(screen.getByRole("button", { name: "Focus terminal" }));

  input.focus();
  for (const key of ["e", "x", "i", "t"]) fireEvent.keyPress(input, { key, charCode: key.charCodeAt(0) });
  fireEvent.keyDown(input, { key: "Enter", keyCode: 13 });
  await screen.findByText("The shell ended.");
  fireEvent.click(screen.getByRole("button", { name: "Open terminal" }));
  await waitFor(() => expect(opened).toBe(2));
});
