import { HttpResponse } from "msw";
import { expect, test } from "vitest";
import { http, server } from "../testing/network";
import { ApiError, download, get, getPage, OfflineError, once, post } from "./client";

const answering = (answer: () => Response) => server.use(http.untyped.get("/api/v1/me", answer));

test("what a proxy says of a server that it cannot reach is offline, and no error", async () => {
  for (const status of [502, 503, 504]) {
    answering(() => new HttpResponse("<h1>Bad Gateway</h1>", { status }));
    await expect(get("/api/v1/me")).rejects.toThrow(OfflineError);
  }
  answering(() => HttpResponse.error());
  await expect(get("/api/v1/me")).rejects.toThrow(OfflineError);
});

test("the server's own message is shown as it is", async () => {
  answering(() =>
    HttpResponse.json({ code: "database_unavailable", detail: "No room on /var." }, { status: 503 }),
  );
  await expect(get("/api/v1/me")).rejects.toMatchObject({ status: 503, message: "No room on /var." });
  answering(() => new HttpResponse(null, { status: 500 }));
  await expect(get("/api/v1/me")).rejects.toThrow(ApiError);
});

test("what was refused of each field is known by its name", async () => {
  const errors = [{ field: "name", message: "is empty" }];
  answering(() => HttpResponse.json({ code: "invalid", detail: "No.", errors }, { status: 422 }));
  await expect(get("/api/v1/me")).rejects.toMatchObject({ fields: { name: "is empty" } });
});

test("a question that is taken back is no sign of being offline", async () => {
  answering(() => HttpResponse.json({}));
  await expect(get("/api/v1/me", { signal: AbortSignal.abort() })).rejects.toMatchObject({
    name: "AbortError",
  });
});

test("a page has the total and the cursor of its headers, and what is not asked for is not sent", async () => {
  let asked = "";
  server.use(
    http.untyped.get("/api/v1/spec-tasks", ({ request }) => {
      asked = new URL(request.url).search;
      const link = '</api/v1/spec-tasks?cursor=abc&limit=2>; rel="next"';
      return HttpResponse.json([], { headers: { "x-total-count": "7", link } });
    }),
  );
  const query = { status: ["done" as const, "cancelled" as const], q: undefined, limit: 2 };
  const page = await getPage("/api/v1/spec-tasks", { params: { query } });
  expect(page).toEqual({ items: [], total: 7, next: "abc" });
  expect(asked).toBe("?status=done&status=cancelled&limit=2");
});

test("a key is sent as a header, and a path has its ids quoted", async () => {
  const sent: [string, string | null][] = [];
  server.use(
    http.untyped.post("/api/v1/*", ({ request }) => {
      sent.push([new URL(request.url).pathname, request.headers.get("idempotency-key")]);
      return new HttpResponse(null, { status: 204 });
    }),
  );
  const params = { path: { id: "a/b" }, header: once("k1") };
  await post("/api/v1/permissions/{id}", { params, body: { option_id: "allow" } });
  expect(sent).toEqual([["/api/v1/permissions/a%2Fb", "k1"]]);
});

test("a download has the address of its path and query", () => {
  const path = { id: "spt_1" };
  expect(download("/api/v1/spec-tasks/{id}/report", { path, query: { format: "csv" } })).toBe(
    "/api/v1/spec-tasks/spt_1/report?format=csv",
  );
});
