import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { fireEvent, render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";
import { aSession } from "../../testing/fixtures";
import { http, refusal, server } from "../../testing/network";
import { fill } from "../../testing/page";
import { Speaking } from "./Composer";

const image = new File(["pixels"], "mock-up.png", { type: "image/png" });
const log = new File(["line"], "output.log", { type: "text/plain" });

function show() {
  render(
    <QueryClientProvider client={new QueryClient()}>
      <Speaking session={aSession()} />
    </QueryClientProvider>,
  );
  return screen.getByRole("textbox", { name: "Message to the agent" });
}

test("files are pasted, picked, taken back, and sent with the message", async () => {
  const uploaded: string[] = [];
  const said: unknown[] = [];
  server.use(
    http.post("/api/v1/spec-tasks/{id}/attachments", ({ query, response }) => {
      const name = query.get("name") ?? "";
      uploaded.push(name);
      return response(201).json({ id: `att_${name}`, name, media_type: "image/png", size: 6 });
    }),
    http.post("/api/v1/work-sessions/{id}/messages", async ({ request, response }) => {
      said.push(await request.json());
      return response(202).json({ turn_id: "turn_1", message_id: "msg_1" });
    }),
  );
  const person = userEvent.setup();
  const field = show();
  fireEvent.paste(field, { clipboardData: { files: [image], types: ["Files"] } });
  await person.upload(screen.getByLabelText("Files"), [log]);
  const chosen = () => screen.getByRole("list", { name: "Files to send" });
  expect(chosen().textContent).toContain("mock-up.png · 6 B");
  await waitFor(() =>
    expect(chosen().querySelector("img")?.getAttribute("src")).toMatch(/^data:image\/png;base64,/),
  );
  expect(chosen().querySelectorAll("img")).toHaveLength(1);
  await person.click(screen.getByRole("button", { name: "Remove output.log" }));
  expect(screen.queryByText("output.log")).toBeNull();
  await fill(person, field, "Like this");
  fireEvent.keyDown(field, { key: "Enter" });
  await waitFor(() =>
    expect(said).toEqual([{ content: "Like this", mode: "queue", attachments: ["att_mock-up.png"] }]),
  );
  expect(uploaded).toEqual(["mock-up.png"]);
  await waitFor(() => expect(screen.queryByText(/mock-up\.png/)).toBeNull());
});

test("a file that is refused stays, with the reason", async () => {
  server.use(
    http.post("/api/v1/spec-tasks/{id}/attachments", ({ response }) =>
      response.untyped(refusal(413, "The file is larger than 5 MiB.")),
    ),
  );
  const person = userEvent.setup();
  const field = show();
  fireEvent.drop(field, { dataTransfer: { files: [image], types: ["Files"] } });
  await fill(person, field, "Like this");
  fireEvent.keyDown(field, { key: "Enter" });
  expect((await screen.findByRole("alert")).textContent).toBe("mock-up.png: The file is larger than 5 MiB.");
  screen.getByRole("button", { name: "Remove mock-up.png" });
});

test("a name that hides its direction is shown with what it hides", async () => {
  const field = show();
  const file = new File(["x"], "invoice\u202egpj.exe", { type: "application/octet-stream" });
  fireEvent.drop(field, { dataTransfer: { files: [file], types: ["Files"] } });
  const list = await screen.findByRole("list", { name: "Files to send" });
  expect(list.textContent).toBe("invoiceU+202Egpj.exe · 1 B");
  expect(list.querySelector("bdi")?.dir).toBe("ltr");
  screen.getByRole("button", { name: "Remove invoice[U+202E]gpj.exe" });
});

test("files that are empty or too many are named, and not attached", async () => {
  const field = show();
  const files = Array.from({ length: 12 }, (_, at) => new File(["x"], `f${at}.txt`, { type: "text/plain" }));
  const dropped = [...files, new File([], "empty.txt", { type: "text/plain" })];
  fireEvent.drop(field, { dataTransfer: { files: dropped, types: ["Files"] } });
  await screen.findByText(/because empty: empty\.txt\..*Not attached: f10\.txt, f11\.txt\./);
  expect(screen.getByRole("list", { name: "Files to send" }).textContent).toContain("f9.txt");
});
