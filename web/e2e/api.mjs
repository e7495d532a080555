// The API as a story needs it beside the browser.

/** Calls of a server's API by a token. */
export function apiOf(url, token) {
  return async (method, path, body) => {
    const response = await fetch(`${url}/api/v1${path}`, {
      method,
      headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const answer = await response.json();
    if (!response.ok) throw new Error(`${method} ${path}: ${JSON.stringify(answer)}`);
    return answer;
  };
}

/** Waits until something is there. */
export async function until(isSo, what = "the crew") {
  for (const end = Date.now() + 120_000; Date.now() < end; ) {
    const found = await isSo();
    if (found) return found;
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error(`waited too long for ${what}`);
}
