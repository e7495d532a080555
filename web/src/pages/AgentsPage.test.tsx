// The agents, and the limits of their accounts.

import { screen, waitFor } from "@testing-library/react";
import { expect, test } from "vitest";
import { anAgent } from "../testing/fixtures";
import { http, server } from "../testing/network";
import { open } from "../testing/page";

test("the wait for an agent's limit is shown and ended", async () => {
  const until = new Date(Date.now() + 2 * 3_600_000).toISOString();
  let agent = anAgent({ limited_until: until, limit_message: "You have reached your usage limit." });
  const resumed: string[] = [];
  server.use(
    http.get("/api/v1/agents", ({ response }) => response(200).json([agent])),
    http.post("/api/v1/agents/{id}/resume", ({ params, response }) => {
      resumed.push(String(params.id));
      agent = { ...agent, limited_until: null, limit_message: null };
      return response(200).json(agent);
    }),
  );
  const person = await open("/agents");
  const alert = await screen.findByRole("alert");
  expect(alert.textContent).toContain("You have reached your usage limit.");
  await person.click(screen.getByRole("button", { name: /^Resume .* now$/ }));
  await waitFor(() => expect(screen.queryByRole("alert")).toBeNull());
  expect(resumed).toEqual(["claude"]);
});
