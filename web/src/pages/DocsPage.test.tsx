import { readFileSync } from "node:fs";
import { screen, within } from "@testing-library/react";
import { HttpResponse } from "msw";
import { expect, test } from "vitest";
import { http, server } from "../testing/network";
import { address, fill, open } from "../testing/page";

const PATHS = ["/api/v1/spec-tasks/from-prompt", "/api/v1/analytics", "/api/v1/tokens/{id}"];
const SCHEMAS = ["FromPrompt", "Problem", "SpecTask"];

/** A part of the document that is in the repository: the whole would take its time to be searched without a browser. */
function excerpt() {
  const document = JSON.parse(readFileSync("src/api/openapi.json", "utf8"));
  const only = (all: object, names: string[]) =>
    Object.fromEntries(Object.entries(all).filter(([name]) => names.includes(name)));
  const schemas = only(document.components.schemas, SCHEMAS);
  return { ...document, paths: only(document.paths, PATHS), components: { schemas } };
}

const DOCUMENT = excerpt();

const documented = () =>
  server.use(
    http.get("/api/v1/openapi.json", ({ response }) => response.untyped(HttpResponse.json(DOCUMENT))),
  );

test("an operation opens with its parameters, its responses and an example", async () => {
  documented();
  const person = await open("/docs");
  const head = await screen.findByRole("button", { name: /^POST \/api\/v1\/spec-tasks\/from-prompt/ });
  expect(head.getAttribute("aria-expanded")).toBe("false");
  await person.click(head);
  expect(head.getAttribute("aria-expanded")).toBe("true");
  screen.getByText("Idempotency-Key");
  screen.getByText(/^curl -X POST/);
  await person.click(screen.getAllByRole("link", { name: "Problem" })[0] as HTMLElement);
  expect(address()).toBe("/docs#schema-Problem");
  const schema = await screen.findByRole("button", { name: "Problem", expanded: true });
  expect(within(schema.closest("[id=schema-Problem]") as HTMLElement).getByText("detail")).toBeTruthy();
});

test("an address leads to its operation, and a filter narrows the page down", async () => {
  documented();
  const person = await open("/docs#get_analytics");
  await screen.findByRole("button", { name: /^GET \/api\/v1\/analytics/, expanded: true });
  await fill(person, screen.getByRole("searchbox"), "delete tokens");
  await screen.findByRole("button", { name: /^DELETE \/api\/v1\/tokens/ });
  expect(screen.queryByRole("button", { name: /^GET \/api\/v1\/analytics/ })).toBeNull();
  await fill(person, screen.getByRole("searchbox"), " nothing");
  await screen.findByText("No operations or schemas match this filter");
});
