import { afterEach, expect, test, vi } from "vitest";
import { ApiError, get, OfflineError } from "./client";

afterEach(() => vi.unstubAllGlobals());

const answering = (status: number, body: string) =>
  vi.stubGlobal("fetch", async () => new Response(body, { status }));

test("what a proxy says of a server that it cannot reach is offline, and no error", async () => {
  for (const status of [502, 503, 504]) {
    answering(status, "<h1>Bad Gateway</h1>");
    await expect(get("/me")).rejects.toThrow(OfflineError);
  }
});

test("the server's own message is shown as it is", async () => {
  answering(503, JSON.stringify({ code: "database_unavailable", detail: "No room on /var." }));
  await expect(get("/me")).rejects.toMatchObject({ status: 503, message: "No room on /var." });
  answering(500, "");
  await expect(get("/me")).rejects.toThrow(ApiError);
});
