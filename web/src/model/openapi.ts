// The content of the API reference, read from the server's OpenAPI document.

/** A JSON schema, as far as the document uses it. */
export interface Schema {
  $ref?: string;
  type?: string | readonly string[];
  description?: string;
  properties?: Readonly<Record<string, Schema>>;
  required?: readonly string[];
  items?: Schema;
  additionalProperties?: Schema | boolean;
  allOf?: readonly Schema[];
  oneOf?: readonly Schema[];
  anyOf?: readonly Schema[];
  enum?: readonly unknown[];
  const?: unknown;
  default?: unknown;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  example?: unknown;
  examples?: readonly unknown[];
}

export interface Parameter {
  name: string;
  in: "path" | "query" | "header" | "cookie";
  description?: string;
  required?: boolean;
  schema?: Schema;
  example?: unknown;
}

type Content = Readonly<Record<string, { schema?: Schema }>>;

interface ResponseObject {
  description: string;
  headers?: Readonly<Record<string, unknown>>;
  content?: Content;
}

interface OperationObject {
  tags?: readonly string[];
  summary?: string;
  description?: string;
  operationId?: string;
  parameters?: readonly Parameter[];
  requestBody?: { content: Content };
  responses: Readonly<Record<string, ResponseObject>>;
  security?: readonly Readonly<Record<string, unknown>>[];
}

const METHODS = ["get", "post", "put", "delete"] as const;

type Method = (typeof METHODS)[number];

export interface OpenApi {
  info: { version: string };
  tags?: readonly { name: string; description?: string }[];
  paths: Readonly<Record<string, Partial<Record<Method, OperationObject>>>>;
  components: { schemas: Readonly<Record<string, Schema>> };
}

/** A request's or a response's body: its media type and its schema. */
export interface Body {
  type: string;
  schema: Schema | undefined;
}

export interface Response {
  status: string;
  description: string;
  headers: string[];
  bodies: Body[];
}

export interface Operation {
  /** The operation's id in the document, which is its anchor on the page. */
  id: string;
  method: Method;
  path: string;
  summary: string;
  description: string;
  parameters: readonly Parameter[];
  bodies: Body[];
  successes: Response[];
  /** Responses whose body is a problem. */
  errors: Response[];
  /** Whether a request needs no credential. */
  isOpen: boolean;
}

export interface Group {
  name: string;
  title: string;
  description: string;
  operations: Operation[];
}

export interface NamedSchema {
  name: string;
  schema: Schema;
}

export interface Reference {
  version: string;
  groups: Group[];
  schemas: NamedSchema[];
}

const PROBLEM = "application/problem+json";

/** Sorts the document's operations into the groups of its tags, in the order of the tags. */
export function referenceOf(document: OpenApi): Reference {
  const groups = new Map<string, Group>();
  const group = (name: string, description = ""): Group => {
    const known = groups.get(name);
    if (known) return known;
    const created: Group = { name, title: titleOf(name), description, operations: [] };
    groups.set(name, created);
    return created;
  };
  for (const { name, description } of document.tags ?? []) group(name, description);
  for (const [path, item] of Object.entries(document.paths)) {
    for (const method of METHODS) {
      const operation = item[method];
      if (operation)
        group(operation.tags?.[0] ?? "other").operations.push(operationOf(path, method, operation));
    }
  }
  const schemas = Object.entries(document.components.schemas).map(([name, schema]) => ({ name, schema }));
  return {
    version: document.info.version,
    groups: [...groups.values()].filter(({ operations }) => operations.length > 0),
    schemas: schemas.sort((one, other) => (one.name < other.name ? -1 : 1)),
  };
}

function operationOf(path: string, method: Method, operation: OperationObject): Operation {
  const responses = Object.entries(operation.responses).map(([status, response]) => ({
    status,
    description: response.description,
    headers: Object.keys(response.headers ?? {}),
    bodies: bodiesOf(response.content),
  }));
  const isError = ({ bodies }: Response) => bodies.some(({ type }) => type === PROBLEM);
  return {
    id: operation.operationId ?? `${method} ${path}`,
    method,
    path,
    summary: operation.summary ?? "",
    description: operation.description ?? "",
    parameters: operation.parameters ?? [],
    bodies: bodiesOf(operation.requestBody?.content),
    successes: responses.filter((response) => !isError(response)),
    errors: responses.filter(isError),
    isOpen: operation.security?.some((schemes) => Object.keys(schemes).length === 0) ?? false,
  };
}

function bodiesOf(content: Content = {}): Body[] {
  return Object.entries(content).map(([type, { schema }]) => ({ type, schema }));
}

function titleOf(tag: string): string {
  const spaced = tag.replaceAll("-", " ");
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
}

/** The operations that have all words of a filter in their method, path, summary, or name. */
export function filterReference(reference: Reference, filter: string): Reference {
  const wanted = filter.toLowerCase().split(/\s+/).filter(Boolean);
  if (wanted.length === 0) return reference;
  const matches = (...texts: string[]) => {
    const text = texts.join(" ").toLowerCase();
    return wanted.every((word) => text.includes(word));
  };
  const groups = reference.groups.map((group) => ({
    ...group,
    operations: group.operations.filter(({ method, path, summary, id }) =>
      matches(method, path, summary, id, group.title),
    ),
  }));
  return {
    ...reference,
    groups: groups.filter(({ operations }) => operations.length > 0),
    schemas: reference.schemas.filter(({ name }) => matches(name)),
  };
}

const REF = "#/components/schemas/";

/** The name of the schema that is referred to. */
const targetOf = (ref: string) => ref.replace(REF, "");

/** The anchor of a schema on the page. */
export const schemaAnchor = (name: string) => `schema-${name}`;

/** A part of a type's name: a word, or the name of a schema that it refers to. */
export type TypePart = string | { ref: string };

/** How a type is written: `string`, `array of TaskView`, `Priority or null`. */
export function typeParts(schema: Schema | undefined): TypePart[] {
  if (!schema) return ["any"];
  if (schema.$ref) return [{ ref: targetOf(schema.$ref) }];
  const choices = schema.oneOf ?? schema.anyOf;
  if (choices) return joined(choices.map(typeParts), " or ");
  if (schema.allOf) return joined(schema.allOf.map(typeParts), " with ");
  const types = typeof schema.type === "string" ? [schema.type] : (schema.type ?? []);
  if (types.length === 0) return schema.enum || schema.const !== undefined ? ["constant"] : ["any"];
  return joined(
    types.map((type): TypePart[] => {
      if (type === "array") return ["array of ", ...typeParts(schema.items)];
      if (type === "object" && !schema.properties && typeof schema.additionalProperties === "object") {
        return ["map of ", ...typeParts(schema.additionalProperties)];
      }
      return [type];
    }),
    " or ",
  );
}

function joined(parts: TypePart[][], between: string): TypePart[] {
  return parts.flatMap((part, at) => (at === 0 ? part : [between, ...part]));
}

export interface Property {
  name: string;
  schema: Schema;
  isRequired: boolean;
}

/** The properties of an object, of the items of a list, and of the parts of a combination, without those behind references. */
export function propertiesOf(schema: Schema | undefined): Property[] {
  if (!schema) return [];
  const own = Object.entries(schema.properties ?? {}).map(([name, property]) => ({
    name,
    schema: property,
    isRequired: schema.required?.includes(name) ?? false,
  }));
  const parts = [...(schema.allOf ?? []), ...(schema.oneOf ?? []), ...(schema.anyOf ?? [])];
  const values = typeof schema.additionalProperties === "object" ? schema.additionalProperties : undefined;
  return [...own, ...[...parts, schema.items, values].flatMap(propertiesOf)];
}

/** The properties of the schema that is referred to, or of the schema itself. */
export function propertiesBehind(schema: Schema | undefined, schemas: readonly NamedSchema[]): Property[] {
  const name = schema?.$ref && targetOf(schema.$ref);
  return propertiesOf(name ? schemas.find((each) => each.name === name)?.schema : schema);
}

export function requiredFirst(properties: readonly Property[]): Property[] {
  return [...properties].sort((one, other) => Number(other.isRequired) - Number(one.isRequired));
}

/** The limits of a value in words: what it may be, its default, its range. */
export function limitsOf(schema: Schema): string[] {
  const items = schema.items ?? {};
  const values = schema.enum ?? items.enum;
  const { default: preset, minimum, maximum, minLength, maxLength } = schema;
  const limits = [
    values && `One of ${values.map((value) => `\`${String(value)}\``).join(", ")}.`,
    preset !== undefined && preset !== null && `Default: \`${JSON.stringify(preset)}\`.`,
    rangeOf(minimum, maximum, ""),
    minLength === 1 && maxLength === undefined ? "Not empty." : rangeOf(minLength, maxLength, " characters"),
  ];
  return limits.filter((limit) => typeof limit === "string");
}

function rangeOf(least: number | undefined, most: number | undefined, unit: string): string | undefined {
  // That a count is not negative goes without saying.
  if (most === undefined) return least ? `At least ${least}${unit}.` : undefined;
  return least ? `${least} to ${most}${unit}.` : `At most ${most}${unit}.`;
}

export function exampleText(given: Pick<Schema, "example" | "examples">): string | undefined {
  const example = given.example ?? given.examples?.[0];
  return example === undefined ? undefined : typeof example === "string" ? example : JSON.stringify(example);
}

/** A request with curl that has everything the operation requires. */
export function curlOf(operation: Operation, server: string, schemas: readonly NamedSchema[]): string {
  const known = new Map(schemas.map(({ name, schema }) => [name, schema]));
  const path = operation.parameters
    .filter((parameter) => parameter.in === "path")
    .reduce(
      (path, { name, example }) => path.replace(`{${name}}`, String(example ?? name.toUpperCase())),
      operation.path,
    );
  const query = operation.parameters
    .filter((parameter) => parameter.in === "query" && parameter.required)
    .map(
      ({ name, example, schema }) =>
        `${name}=${encodeURIComponent(String(example ?? sample(schema, known)))}`,
    );
  const [body] = operation.bodies;
  const lines = [
    `curl ${operation.method === "get" ? "" : `-X ${operation.method.toUpperCase()} `}'${server}${path}${query.length > 0 ? `?${query.join("&")}` : ""}'`,
    !operation.isOpen && `-H "Authorization: Bearer $SPECTASK_TOKEN"`,
    body && `-H 'Content-Type: ${body.type}'`,
    body &&
      (body.type === "application/json"
        ? `-d '${JSON.stringify(sample(body.schema, known)).replaceAll("'", "'\\''")}'`
        : "--data-binary @FILE"),
  ];
  return lines.filter(Boolean).join(" \\\n  ");
}

/** A value of a schema: its example, or what its type begins with; of an object what it requires. */
function sample(schema: Schema | undefined, known: ReadonlyMap<string, Schema>): unknown {
  if (!schema) return null;
  if (schema.$ref) return sample(known.get(targetOf(schema.$ref)), known);
  const given = schema.example ?? schema.examples?.[0] ?? schema.const ?? schema.enum?.[0];
  if (given !== undefined) return given;
  const [choice] = schema.oneOf ?? schema.anyOf ?? [];
  if (choice) return sample(choice, known);
  if (schema.allOf) return Object.assign({}, ...schema.allOf.map((part) => sample(part, known)));
  const type = typeof schema.type === "string" ? schema.type : schema.type?.[0];
  switch (type) {
    case "string":
      return "…";
    case "integer":
    case "number":
      return schema.minimum ?? 1;
    case "boolean":
      return true;
    case "array":
      return [];
    default:
      return Object.fromEntries(
        (schema.required ?? []).map((name) => [name, sample(schema.properties?.[name], known)]),
      );
  }
}
