import { screen, waitFor, within } from "@testing-library/react";
import { HttpResponse } from "msw";
import { expect, test } from "vitest";
import { aPermissionRequest } from "../testing/fixtures";
import { http, refusal, server } from "../testing/network";
import { open } from "../testing/page";

/** A server on which agents ask; an answered request is gone. The answers that were given, in order. */
function asking(...requests: ReturnType<typeof aPermissionRequest>[]) {
  const answers: [string, string][] = [];
  server.use(
    http.get("/api/v1/permissions", ({ response }) =>
      response(200).json(requests.filter(({ id }) => !answers.some(([answered]) => answered === id))),
    ),
    http.post("/api/v1/permissions/{id}", async ({ params, request, response }) => {
      answers.push([params.id, (await request.json()).option_id ?? ""]);
      return response.untyped(HttpResponse.json({}));
    }),
  );
  return answers;
}

const bar = () => screen.findByRole("region", { name: "Permission requests" });

test("a request says what the agent wants to do, and is gone once it is allowed", async () => {
  const answers = asking(aPermissionRequest());
  const person = await open("/projects");
  const request = within(await bar());
  expect(request.getByText("rm -r build").tagName).toBe("CODE");
  request.getByText(/wants to run a command/);
  await person.click(request.getByRole("button", { name: "Allow" }));
  await waitFor(() => expect(screen.queryByRole("region", { name: "Permission requests" })).toBeNull());
  expect(answers).toEqual([["perm_1", "allow"]]);
});

test("a rejected request gives way to the next one, which has the focus", async () => {
  const answers = asking(aPermissionRequest(), aPermissionRequest({ id: "perm_2", title: "Read a file" }));
  const person = await open("/projects");
  const [first] = await within(await bar()).findAllByRole("button", { name: "Reject" });
  if (first) await person.click(first);
  await waitFor(() => expect(screen.getAllByRole("button", { name: "Allow" })).toHaveLength(1));
  expect(answers).toEqual([["perm_1", "reject"]]);
  await waitFor(() => expect(document.activeElement?.textContent).toBe("Allow"));
});

test("an answer that came too late says so", async () => {
  asking(aPermissionRequest());
  server.use(
    http.post("/api/v1/permissions/{id}", ({ response }) =>
      response.untyped(refusal(409, "The request has been answered already.")),
    ),
  );
  const person = await open("/projects");
  await person.click(within(await bar()).getByRole("button", { name: "Allow" }));
  expect((await screen.findByRole("alert")).textContent).toBe("The request has been answered already.");
});

test("of many requests the first are shown, and the others on demand", async () => {
  asking(...["1", "2", "3", "4", "5"].map((id) => aPermissionRequest({ id })));
  const person = await open("/projects");
  expect(within(await bar()).getAllByRole("button", { name: "Allow" })).toHaveLength(3);
  await person.click(screen.getByRole("button", { name: "Show 2 more" }));
  expect(screen.getAllByRole("button", { name: "Allow" })).toHaveLength(5);
});
