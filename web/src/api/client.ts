// Calls of the API: JSON in and out, problems as errors, pages with their totals.

import createClient, {
  type Client,
  type ClientPathsWithMethod,
  createFinalURL,
  createQuerySerializer,
  defaultPathSerializer,
  type MaybeOptionalInit,
  type MethodResponse,
} from "openapi-fetch";
import type { paths } from "./schema";
import type { Problem } from "./types";

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

  /** The same error, with the name of what it is about before it. */
  about(subject: string): ApiError {
    const { status, code, message } = this;
    return new ApiError({ status, code, detail: `${subject}: ${message}` });
  }
}

/** The server did not answer at all. */
export class OfflineError extends Error {
  constructor() {
    super("The server does not answer. It may be restarting, or the network is down.");
    this.name = "OfflineError";
  }
}

/** The code of an answer that is not from the server itself. */
const UNKNOWN = "unknown";
/** The answers of proxies for a server that they cannot reach. */
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

type Method = "get" | "post" | "put" | "delete";
type Untyped = Record<string, Record<Method, object>>;

const api = createClient<Untyped>({ headers: { Accept: "application/json" } });

api.use({
  // What a reader took back is no failure of the server's.
  onError: ({ request }) => (request.signal.aborted ? undefined : new OfflineError()),
  onResponse: async ({ response }) => {
    if (response.ok) return;
    const problem = await problemOf(response);
    // A proxy says it in its own words when the server behind it is away; the server's own answers have a code.
    throw AWAY.has(response.status) && problem.code === UNKNOWN ? new OfflineError() : problem;
  },
});

// The calls are typed here, by the document: the library's own types let parameters and fields pass that no path has.
type Path<M extends Method> = ClientPathsWithMethod<Client<paths>, M>;
type Options<M extends Method, P extends Path<M>> = MaybeOptionalInit<paths[P], M>;
type Rest<M extends Method, P extends Path<M>> =
  undefined extends Options<M, P> ? [options?: Options<M, P>] : [options: Options<M, P>];
type Data<M extends Method, P extends Path<M>> = MethodResponse<Client<paths, "application/json">, M, P>;
type Call<M extends Method> = <P extends Path<M>>(path: P, ...rest: Rest<M, P>) => Promise<Data<M, P>>;
type PageCall = <P extends Path<"get">>(path: P, ...rest: Rest<"get", P>) => Promise<Page<Data<"get", P>>>;

function call(method: Method) {
  return async (path: string, options?: Record<string, unknown>): Promise<unknown> =>
    (await api.request(method, path, options)).data;
}

// These casts are where the types of the document are put on calls that have none.
export const get = call("get") as Call<"get">;
export const post = call("post") as Call<"post">;
export const put = call("put") as Call<"put">;
export const remove = call("delete") as Call<"delete">;

/** One page of a list: its items, how many there are in all, and where the next page begins. */
export interface Page<T> {
  items: T;
  total: number;
  next: string | null;
}

export const getPage = (async (path: string, options?: Record<string, unknown>): Promise<Page<unknown>> => {
  const { data, response } = await api.GET(path, options);
  const items: unknown = data;
  const counted = response.headers.get("x-total-count");
  const total = counted === null ? (Array.isArray(items) ? items.length : 0) : Number(counted);
  return { items, total, next: nextCursor(response.headers.get("link")) };
}) as PageCall;

/** The cursor in a `Link: <…>; rel="next"` header. */
export function nextCursor(link: string | null): string | null {
  for (const part of (link ?? "").split(/,\s*(?=<)/)) {
    const found = /^<([^>]*)>\s*;\s*rel="?next"?/.exec(part.trim());
    if (found?.[1]) return new URL(found[1], "http://server").searchParams.get("cursor");
  }
  return null;
}

/** The address of something to download. */
export function download<P extends Path<"get">>(path: P, params: paths[P]["get"]["parameters"]): string {
  return createFinalURL(path, {
    baseUrl: "",
    params,
    querySerializer: createQuerySerializer(),
    pathSerializer: defaultPathSerializer,
  });
}

/** The header with which the same key and body is done once, however often it is sent. */
export const once = (key: string) => ({ "Idempotency-Key": key });

/** A key for one thing that is to happen once. */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
