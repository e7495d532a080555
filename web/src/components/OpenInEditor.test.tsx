import { fireEvent, render, screen, waitFor } from "@testing-library/react";
import { HttpResponse } from "msw";
import { expect, test } from "vitest";
import { http, server } from "../testing/network";
import { OpenInEditor } from "./OpenInEditor";

test("opening a session's folder hands the session off to the editor's next thread", async () => {
  const handedOff: string[] = [];
  server.use(
    http.post("/api/v1/work-sessions/{id}/editor-handoff", ({ params, response }) => {
      handedOff.push(params.id);
      return response.untyped(new HttpResponse(null, { status: 204 }));
    }),
  );
  render(<OpenInEditor path="/data/work trees/one" session="stws_1" />);
  const link = screen.getByRole("link", { name: "Open in Zed" });
  expect(link.getAttribute("href")).toBe("zed://file/data/work%20trees/one");
  fireEvent.click(link);
  await waitFor(() => expect(handedOff).toEqual(["stws_1"]));
});

test("the editor that was used last is the first choice from then on", () => {
  const first = render(<OpenInEditor path="/data/one" />);
  fireEvent.click(screen.getByRole("button", { name: "Choose an editor" }));
  const item = screen.getByRole("menuitem", { name: "Open in VS Code" });
  expect(item.getAttribute("href")).toBe("vscode://file/data/one");
  fireEvent.click(item);
  expect(screen.getByRole("link", { name: "Open in VS Code" })).toBeTruthy();
  first.unmount();
  render(<OpenInEditor path="/data/two" />);
  expect(screen.getByRole("link", { name: "Open in VS Code" }).getAttribute("href")).toBe(
    "vscode://file/data/two",
  );
});
