// Takes the pictures of the documentation from the running page: `make pictures`.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { chromium } from "playwright-core";
import { apiOf, until } from "./api.mjs";
import { binary, chromiumPath, startServer } from "./server.mjs";

const IMAGES = resolve(import.meta.dirname, "../../docs/images");
const SIZE = { width: 1280, height: 860 };
const token = "sptk_pictures";
const folder = mkdtempSync(join(tmpdir(), "spectask-pictures-"));
const server = await startServer(
  binary(),
  ["demo", "--no-open", "--bind", "127.0.0.1:0", "--data-dir", join(folder, "data")],
  // Slow enough for sessions to be seen side by side.
  { SPECTASK_TOKEN: token, SPECTASK_SCRIPTED_PACE_MS: "150" },
);
const browser = await chromium.launch({ executablePath: chromiumPath(), args: ["--no-sandbox"] });
try {
  const call = apiOf(server.url, token);
  const [task] = await until(async () => {
    const tasks = await call("GET", "/spec-tasks");
    return tasks[0]?.status === "spec_review" && tasks;
  }, "the specification");
  const page = await browser.newPage({ viewport: SIZE, colorScheme: "light", reducedMotion: "reduce" });
  const at = async (path, shows) => {
    await page.goto(`${server.url}${path}`);
    await page.getByText(shows).first().waitFor();
    await page.waitForLoadState("networkidle");
  };
  const take = (name) => page.screenshot({ path: join(IMAGES, `${name}.png`) });

  await page.goto(`${server.url}/?token=${token}`);
  await at(`/tasks/${task.id}?tab=specification`, "Approve spec & start");
  await take("spec-review");
  await call("POST", `/spec-tasks/${task.id}/approve-specs`, { approved: true });
  await until(async () => {
    const { work_sessions: sessions } = await call("GET", `/spec-tasks/${task.id}`);
    return sessions.filter(({ status, progress }) => status === "active" && progress > 0).length > 1;
  }, "sessions side by side");
  await at("/fleet", "agents are");
  await take("fleet");
  await at(`/tasks/${task.id}?tab=sessions`, "Sessions");
  await page.getByRole("log").waitFor();
  await take("task");
  await until(
    async () => (await call("GET", `/spec-tasks/${task.id}`)).status === "implementation_review",
    "the change",
  );
  await at(`/tasks/${task.id}?tab=change`, "Approve & merge");
  await page
    .getByRole("region", { name: /^Changes of/ })
    .first()
    .waitFor();
  await page.keyboard.press("a");
  await page.getByRole("dialog").getByText("Commit").waitFor();
  await take("change-review");
} finally {
  await browser.close();
  await server.stop();
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
