import { expect, test } from "vitest";
import { ApiError, OfflineError } from "./client";
import { isAnswered } from "./once";

const refused = (status: number) => new ApiError({ status, code: "c", detail: "d", errors: [] });

test("what the server took or refused is answered, what it may not have seen is not", () => {
  expect(isAnswered({ isSuccess: true, error: null })).toBe(true);
  expect(isAnswered({ isSuccess: false, error: refused(409) })).toBe(true);
  expect(isAnswered({ isSuccess: false, error: null })).toBe(false);
  expect(isAnswered({ isSuccess: false, error: refused(502) })).toBe(false);
  expect(isAnswered({ isSuccess: false, error: new OfflineError() })).toBe(false);
});
