import { screen } from "@testing-library/react";
import { expect, test } from "vitest";
import { http, refusal, server } from "../testing/network";
import { address, open } from "../testing/page";

const MISTAKEN = "Invalid token. Run `spectask token` on the server to get one.";

test("a wrong token is answered with the server's own sentence, and may be tried again", async () => {
  const sent: unknown[] = [];
  server.use(
    http.post("/api/v1/login", async ({ request, response }) => {
      const { token } = await request.json();
      sent.push(token);
      return token === "right"
        ? response(200).json({ demo: false, id: "usr_1", name: "owner", roles: ["owner"] })
        : response.untyped(refusal(401, MISTAKEN));
    }),
  );
  const person = await open("/login?next=%2Fprojects");
  const field = await screen.findByLabelText("Access token");
  await person.type(field, " wrong {Enter}");
  const alert = await screen.findByRole("alert");
  expect(alert.textContent).toBe("Invalid token. Run spectask token on the server to get one.");
  expect(screen.getAllByText(/to get one/)).toHaveLength(1);

  await person.clear(field);
  await person.type(field, "right{Enter}");
  await screen.findByRole("heading", { name: "Projects" });
  expect(address()).toBe("/projects");
  expect(sent).toEqual(["wrong", "right"]);
});

test("nothing is sent without a token", async () => {
  await open("/login");
  await screen.findByLabelText("Access token");
  expect(screen.getByRole<HTMLButtonElement>("button", { name: "Log in" }).disabled).toBe(true);
});

test("whoever is not logged in is asked to, and led back afterwards", async () => {
  server.use(http.get("/api/v1/me", ({ response }) => response.untyped(refusal(401, "Log in first."))));
  await open("/tasks?status=done");
  await screen.findByLabelText("Access token");
  expect(address()).toBe("/login?next=%2Ftasks%3Fstatus%3Ddone");
});
