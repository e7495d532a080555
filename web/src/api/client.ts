// Calls of the API: JSON in and out, problems as errors, pages with their totals.

import type { Problem } from "./types";

const BASE = "/api/v1";

/** An answer that is not a success; `detail` is a sentence for people. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly fields: Record<string, string>;

  constructor(problem: Pick<Problem, "status" | "code" | "detail" | "errors">) {
    super(problem.detail);
    this.name = "ApiError";
    this.status = problem.status;
    this.code = problem.code;
    this.fields = Object.fromEntries((problem.errors ?? []).map((error) => [error.field, error.message]));
  }
}

/** The server did not answer at all. */
export class OfflineError extends Error {
  constructor() {
    super("The server does not answer. It may be restarting, or the network is down.");
    this.name = "OfflineError";
  }
}

type Query = Record<string, string | number | boolean | string[] | undefined>;

function address(path: string, query: Query = {}): string {
  const pairs = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== "") pairs.append(name, String(one));
    }
  }
  const text = pairs.toString();
  return `${BASE}${path}${text ? `?${text}` : ""}`;
}

/** The code of an answer that is not from the server itself. */
const UNKNOWN = "unknown";
/** What proxies answer for a server that they cannot reach. */
const AWAY: ReadonlySet<number> = new Set([502, 503, 504]);

async function problemOf(response: Response): Promise<ApiError> {
  const body: Partial<Problem> | null = await response.json().catch(() => null);
  return new ApiError({
    status: response.status,
    code: body?.code ?? UNKNOWN,
    detail: body?.detail ?? `The server answered ${response.status} ${response.statusText}`.trim(),
    errors: body?.errors,
  });
}

async function send(method: string, url: string, options: SendOptions = {}): Promise<Response> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (options.body !== undefined) headers["Content-Type"] = "application/json";
  if (options.key) headers["Idempotency-Key"] = options.key;
  const body = options.body === undefined ? undefined : JSON.stringify(options.body);
  let response: Response;
  try {
    response = await fetch(url, { method, headers, body, signal: options.signal });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new OfflineError();
  }
  if (!response.ok) {
    const problem = await problemOf(response);
    // A proxy says it in its own words when the server behind it is away; the server's own answers have a code.
    if (AWAY.has(response.status) && problem.code === UNKNOWN) throw new OfflineError();
    throw problem;
  }
  return response;
}

interface SendOptions {
  body?: unknown;
  /** The same key and body is done once, however often it is sent. */
  key?: string;
  signal?: AbortSignal;
}

async function json<T>(response: Response): Promise<T> {
  const text = await response.text();
  return (text ? JSON.parse(text) : null) as T;
}

export async function get<T>(path: string, query?: Query, signal?: AbortSignal): Promise<T> {
  return json(await send("GET", address(path, query), { signal }));
}

export async function post<T>(path: string, body: unknown = {}, key?: string): Promise<T> {
  return json(await send("POST", address(path), { body, key }));
}

export async function put<T>(path: string, body: unknown): Promise<T> {
  return json(await send("PUT", address(path), { body }));
}

export async function remove<T>(path: string): Promise<T> {
  return json(await send("DELETE", address(path)));
}

/** One page of a list: its items, how many there are in all, and where the next page begins. */
export interface Page<T> {
  items: T;
  total: number;
  next: string | null;
}

export async function getPage<T>(path: string, query?: Query, signal?: AbortSignal): Promise<Page<T>> {
  const response = await send("GET", address(path, query), { signal });
  const items = await json<T>(response);
  const counted = response.headers.get("x-total-count");
  const total = counted === null ? (Array.isArray(items) ? items.length : 0) : Number(counted);
  return { items, total, next: nextCursor(response.headers.get("link")) };
}

/** The cursor in a `Link: <…>; rel="next"` header. */
export function nextCursor(link: string | null): string | null {
  for (const part of (link ?? "").split(/,\s*(?=<)/)) {
    const found = /^<([^>]*)>\s*;\s*rel="?next"?/.exec(part.trim());
    if (found?.[1]) return new URL(found[1], "http://server").searchParams.get("cursor");
  }
  return null;
}

/** The address of something to download. */
export function download(path: string, query?: Query): string {
  return address(path, query);
}

/** A key for one thing that is to happen once. */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
