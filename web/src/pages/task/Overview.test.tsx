// A task at a glance.

import { screen, within } from "@testing-library/react";
import { expect, test } from "vitest";
import { aTaskDetail } from "../../testing/fixtures";
import { having, http, server } from "../../testing/network";
import { open } from "../../testing/page";

const OF_PERSON = { purpose: "message", session_id: null, created_at: "2026-01-01T00:00:00.000Z" } as const;

test("the files of a task are shown with their names and sizes, images as pictures", async () => {
  server.use(
    http.get("/api/v1/spec-tasks/{id}/attachments", ({ response }) =>
      response(200).json([
        { ...OF_PERSON, id: "att_1", name: "mock-up.png", media_type: "image/png", size: 2048 },
        {
          ...OF_PERSON,
          id: "att_2",
          name: "notes\u202egpj.exe",
          media_type: "application/octet-stream",
          size: 10,
        },
        {
          ...OF_PERSON,
          purpose: "agent",
          session_id: "stws_1",
          id: "att_3",
          name: "shot.png",
          media_type: "image/png",
          size: 1,
        },
      ]),
    ),
    ...having(aTaskDetail()),
  );
  await open("/tasks/spt_1?tab=overview");
  const files = within(await screen.findByRole("list", { name: "Attached files" }));
  const image = files.getByRole("link", { name: "mock-up.png · 2 KiB" });
  expect(image.getAttribute("href")).toBe("/api/v1/spec-tasks/spt_1/attachments/att_1");
  expect(image.querySelector("img")?.getAttribute("src")).toBe(image.getAttribute("href"));
  const other = files.getByRole("link", { name: "notesU+202Egpj.exe · 10 B" });
  expect(other.getAttribute("download")).toBe("notes[U+202E]gpj.exe");
  expect(other.querySelector("img")).toBeNull();
  const sent = within(screen.getByRole("list", { name: "Files of agents" }));
  expect(sent.getAllByRole("link").map((link) => link.textContent)).toEqual(["shot.png · 1 B"]);
  expect(files.queryByText(/shot/)).toBeNull();
});

test("a task without files says nothing of them", async () => {
  server.use(...having(aTaskDetail()));
  await open("/tasks/spt_1?tab=overview");
  await screen.findByText("Add due dates to todos");
  expect(screen.queryByText("Attached files")).toBeNull();
});

test("usage without reported tokens is not shown as 0", async () => {
  const usage = { cached_tokens: 0, cost_usd: 0.25, input_tokens: 0, output_tokens: 0 };
  server.use(...having(aTaskDetail({ usage })));
  await open("/tasks/spt_1?tab=overview");
  await screen.findByText("tokens not reported, $0.25");
});
