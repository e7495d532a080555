// A demo's server for the stories of a file: started before them and removed after them.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before } from "node:test";
import { apiOf } from "./api.mjs";
import { binary, startServer } from "./server.mjs";
import { story } from "./story.mjs";

/**
 * Starts it without a task, and prepares what the stories need. `tell` tells a story with a function that opens a page
 * of its owner.
 */
export function demo(name, { env = {}, prepare } = {}) {
  const token = `sptk_${name}`;
  const folder = mkdtempSync(join(tmpdir(), `spectask-${name}-`));
  let server;
  before(async () => {
    server = await startServer(
      binary(),
      ["demo", "--no-open", "--no-task", "--bind", "127.0.0.1:0", "--data-dir", join(folder, "data")],
      { SPECTASK_TOKEN: token, ...env },
    );
    await prepare?.();
  });
  after(async () => {
    await server?.stop();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });
  const tell = (title, act) =>
    story(
      title,
      async (newPage) => {
        const open = async (options) => {
          const page = await newPage(options);
          await page.goto(`${server.url}/?token=${token}`);
          await page.locator("h1").first().waitFor();
          return page;
        };
        await act(open);
      },
      () => server,
    );
  return {
    get url() {
      return server.url;
    },
    call: (...request) => apiOf(server.url, token)(...request),
    tell,
  };
}
