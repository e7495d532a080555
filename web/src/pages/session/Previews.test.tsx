import { QueryClientProvider } from "@tanstack/react-query";
import { fireEvent, render, screen, waitFor } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { client } from "../../cache";
import { aSession } from "../../testing/fixtures";
import { http, server } from "../../testing/network";
import { Previews } from "./Previews";

const show = () => {
  client.clear();
  const session = aSession({ workspace_path: "/data/worktrees/one" });
  render(
    <QueryClientProvider client={client}>
      <Previews session={session} />
    </QueryClientProvider>,
  );
};

test("a port on which something listens has a button that opens its preview in another tab", async () => {
  const asked: unknown[] = [];
  server.use(
    http.get("/api/v1/work-sessions/{id}/previews", ({ response }) =>
      response(200).json({ previews: [{ number: 2, port: 20002 }] }),
    ),
    http.post("/api/v1/work-sessions/{id}/previews", async ({ request, response }) => {
      asked.push(await request.json());
      return response(200).json({ url: "http://x-2.preview.localhost:3000/.spectask/open?ticket=sppt_1" });
    }),
  );
  const replace = vi.fn();
  const tab = { opener: window, location: { replace }, close: vi.fn() };
  const opened = vi.spyOn(window, "open").mockReturnValue(tab as unknown as Window);
  show();
  fireEvent.click(await screen.findByRole("button", { name: "Preview SPECTASK_PORT_2 (port 20002)" }));
  await waitFor(() =>
    expect(replace).toHaveBeenCalledWith("http://x-2.preview.localhost:3000/.spectask/open?ticket=sppt_1"),
  );
  expect(asked).toEqual([{ number: 2 }]);
  expect(tab.opener).toBeNull();

  opened.mockReturnValue(null);
  fireEvent.click(screen.getByRole("button", { name: "Preview SPECTASK_PORT_2 (port 20002)" }));
  await screen.findByText("The browser did not open a tab. Allow pop-ups for this page.");
  opened.mockRestore();
});

test("a session that cannot listen says why, and one where nothing listens says nothing", async () => {
  server.use(
    http.get("/api/v1/work-sessions/{id}/previews", ({ response }) =>
      response(200).json({ previews: [], unavailable: "Install bubblewrap on the server." }),
    ),
  );
  show();
  await screen.findByText("No previews: Install bubblewrap on the server.");
  expect(screen.queryByRole("button")).toBeNull();
});
