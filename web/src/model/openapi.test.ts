import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import {
  curlOf,
  filterReference,
  limitsOf,
  type OpenApi,
  type Operation,
  propertiesOf,
  referenceOf,
  type TypePart,
  typeParts,
} from "./openapi";

const document: OpenApi = JSON.parse(readFileSync("src/api/openapi.json", "utf8"));
const reference = referenceOf(document);
const operations = reference.groups.flatMap((group) => group.operations);

const operation = (id: string): Operation => {
  const found = operations.find((each) => each.id === id);
  if (!found) throw new Error(`${id} is missing`);
  return found;
};
const typeText = (parts: TypePart[]) =>
  parts.map((part) => (typeof part === "string" ? part : part.ref)).join("");

test("every operation of the document is in a described group, once", () => {
  const ids = Object.values(document.paths).flatMap((item) =>
    Object.values(item).map(({ operationId }) => operationId),
  );
  expect(operations.map(({ id }) => id).sort()).toEqual(ids.sort());
  expect(reference.groups.map(({ name }) => name)).toEqual(document.tags?.map(({ name }) => name));
  expect(reference.groups.filter(({ description }) => description === "")).toEqual([]);
});

test("every reference of a type leads to a schema that is shown", () => {
  const names = new Set(reference.schemas.map(({ name }) => name));
  const roots = [
    ...reference.schemas.map(({ schema }) => schema),
    ...operations.flatMap(({ bodies, successes, parameters }) => [
      ...bodies.map(({ schema }) => schema),
      ...successes.flatMap((response) => response.bodies.map(({ schema }) => schema)),
      ...parameters.map(({ schema }) => schema),
    ]),
  ];
  const lost = new Set<string>();
  const visit = (schema: (typeof roots)[number]) => {
    for (const part of typeParts(schema))
      if (typeof part !== "string" && !names.has(part.ref)) lost.add(part.ref);
    for (const property of propertiesOf(schema)) visit(property.schema);
  };
  roots.forEach(visit);
  expect([...lost]).toEqual([]);
  expect(names.size).toBeGreaterThan(100);
});

test("types are written in words", () => {
  expect(typeText(typeParts({ type: ["string", "null"] }))).toBe("string or null");
  expect(typeText(typeParts({ type: "array", items: { $ref: "#/components/schemas/TaskDetail" } }))).toBe(
    "array of TaskDetail",
  );
  expect(typeText(typeParts({ oneOf: [{ $ref: "#/components/schemas/Figures" }, { type: "null" }] }))).toBe(
    "Figures or null",
  );
  expect(typeText(typeParts({ type: "object", additionalProperties: { type: "integer" } }))).toBe(
    "map of integer",
  );
  expect(typeText(typeParts({ allOf: [{ $ref: "#/components/schemas/Figures" }, { type: "object" }] }))).toBe(
    "Figures with object",
  );
  expect(typeText(typeParts({}))).toBe("any");
});

test("limits are sentences", () => {
  expect(limitsOf({ enum: ["a", "b"] })).toEqual(["One of `a`, `b`."]);
  expect(limitsOf({ type: "integer", minimum: 1, maximum: 500 })).toEqual(["1 to 500."]);
  expect(limitsOf({ type: "integer", minimum: 0 })).toEqual([]);
  expect(limitsOf({ type: "string", minLength: 1, default: "x" })).toEqual(['Default: `"x"`.', "Not empty."]);
});

test("a filter keeps what has all its words", () => {
  const { groups, schemas } = filterReference(reference, "post  APPROVE-specs");
  expect(groups.flatMap((group) => group.operations.map(({ id }) => id))).toEqual([
    "post_spec_tasks_id_approve_specs",
  ]);
  expect(schemas).toEqual([]);
  expect(filterReference(reference, " ")).toBe(reference);
});

test("an example request has what the operation requires", () => {
  const approve = operation("post_spec_tasks_id_approve_specs");
  expect(curlOf(approve, "http://127.0.0.1:8420", reference.schemas)).toMatchInlineSnapshot(`
    "curl -X POST 'http://127.0.0.1:8420/api/v1/spec-tasks/spt_01KAQ3H2V7T9Y4M8N5B6C1D0EF/approve-specs' \\
      -H "Authorization: Bearer $SPECTASK_TOKEN" \\
      -H 'Content-Type: application/json' \\
      -d '{"approved":true}'"
  `);
  expect(curlOf(operation("get_search"), "http://127.0.0.1:8420", reference.schemas)).toMatchInlineSnapshot(`
    "curl 'http://127.0.0.1:8420/api/v1/search?q=%E2%80%A6' \\
      -H "Authorization: Bearer $SPECTASK_TOKEN""
  `);
  expect(operation("get_healthz").isOpen && operation("post_login").isOpen).toBe(true);
  expect(curlOf(operation("get_healthz"), "", reference.schemas)).toBe("curl '/healthz'");
  for (const each of operations) expect(curlOf(each, "", reference.schemas)).toMatch(/^curl /);
});
