// The main job as a person plays it: in a browser, on the demo server.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before } from "node:test";
import { binary, startServer } from "./server.mjs";
import { picture, pictures, story } from "./story.mjs";

const token = "sptk_story";
const folder = mkdtempSync(join(tmpdir(), "spectask-story-"));
let server;
let url;

const start = (bind = "127.0.0.1:0", pace = "10") =>
  startServer(binary(), ["demo", "--no-open", "--bind", bind, "--data-dir", join(folder, "data")], {
    SPECTASK_TOKEN: token,
    SPECTASK_SCRIPTED_PACE_MS: pace,
  });

const tell = (name, act) => story(name, act, () => server);

before(async () => {
  server = await start(undefined, pictures ? "150" : "10");
  url = server.url;
});

after(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

tell("a prompt becomes merged work, and a killed server goes on where it was", async (open) => {
  const page = await open();
  await page.goto(`${url}/?token=${token}`);
  assert.ok(!page.url().includes(token), "the token leaves the address");
  await page.getByText("Review the spec").first().waitFor();
  await page.getByText("Add due dates").first().click();
  // The page stays where it was opened when the task moves on.
  await page.getByRole("tab", { name: "Specification" }).click();
  await page.getByRole("button", { name: "Approve spec & start" }).click();
  await page.getByText("Implementing").first().waitFor();
  const task = page.url();

  const watcher = await open();
  await watcher.goto(`${url}/?token=${token}`);
  await watcher.getByRole("link", { name: "Fleet" }).click();
  // A picture shows sessions side by side; the story itself needs one.
  await watcher
    .getByText(pictures ? "3 agents are at work" : "at work")
    .first()
    .waitFor();
  await page.getByRole("tab", { name: /Sessions/ }).click();
  if (pictures)
    await page
      .getByText(/^[1-9]\d%$/)
      .nth(1)
      .waitFor();
  await picture(watcher, "fleet");
  await picture(page, "task");

  await server.stop("SIGKILL");
  server = await start(new URL(url).host);
  await page.getByText("Review the change").first().waitFor();
  await page.goto(`${task.split("?")[0]}`);
  await page.getByRole("tab", { name: "Change" }).click();
  await picture(page, "change");
  await page.getByRole("button", { name: "Approve & merge" }).click();
  const confirm = page.getByRole("dialog", { name: "Approve & merge?" });
  for (const fact of ["Files", "Checks", "Commit", "Merged into"])
    await confirm.getByText(fact, { exact: true }).waitFor();
  await picture(page, "merge");
  await confirm.getByRole("button", { name: "Approve & merge" }).click();
  await page.getByText("Done", { exact: true }).first().waitFor();
  await page.waitForFunction(() => document.querySelector("main")?.textContent?.includes("Done"));
});

tell("every page stands on a narrow screen in the dark", async (open) => {
  const page = await open({ viewport: { width: 390, height: 800 }, colorScheme: "dark" });
  await page.goto(`${url}/?token=${token}`);
  for (const path of ["/", "/fleet", "/projects", "/agents"]) {
    await page.goto(`${url}${path}`);
    await page.locator("h1").first().waitFor();
    const overflow = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    assert.ok(overflow <= 0, `${path} is ${overflow} pixels too wide`);
  }
});

tell("without a token there is the login page, and a wrong token is told so", async (open) => {
  const page = await open();
  await page.goto(url);
  const field = page.getByLabel(/token/i).first();
  await field.fill("wrong");
  await field.press("Enter");
  await page
    .getByText(/Invalid token/)
    .first()
    .waitFor();
  await field.fill(token);
  await field.press("Enter");
  await page.getByText("Add due dates").first().waitFor();
});

tell("while the server cannot be reached, every page is there and says so", async (open) => {
  const page = await open();
  await page.goto(`${url}/?token=${token}`);
  await page.getByText("Add due dates").first().waitFor();
  await page.waitForLoadState("networkidle");
  await page.context().setOffline(true);
  await page.getByText("Connection lost.").waitFor();
  for (const [name, heading] of [
    ["Fleet", "Fleet"],
    ["Projects", "Projects"],
    ["Tasks", "Tasks"],
  ]) {
    await page.getByRole("link", { name }).first().click();
    await page.getByRole("heading", { level: 1, name: heading }).waitFor();
  }
  await page.context().setOffline(false);
  await page.getByText("Connection lost.").waitFor({ state: "detached" });
});

tell("the keyboard alone opens a task, its parts and the list of keys", async (open) => {
  const page = await open();
  await page.goto(`${url}/?token=${token}`);
  await page.goto(`${url}/tasks`);
  await page.getByText("Add due dates").first().waitFor();
  await page.keyboard.press("?");
  await page.getByRole("dialog").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await page.keyboard.press("j");
  await page.locator("[data-row='0']:focus").waitFor();
  await page.keyboard.press("Enter");
  await page.getByRole("tab", { name: "Overview" }).waitFor();
  await page.keyboard.press("3");
  await page.getByRole("log").waitFor();
});

tell("what is typed is kept until it is sent", async (open) => {
  const page = await open();
  await page.goto(`${url}/?token=${token}`);
  await page.goto(`${url}/tasks?create=true`);
  const field = page.getByLabel("What should the agents do?");
  await field.fill("Count the overdue todos");
  await page.keyboard.press("Escape");
  await field.waitFor({ state: "detached" });
  await page.reload();
  await page.getByRole("link", { name: "New task" }).first().click();
  assert.equal(await field.inputValue(), "Count the overdue todos");
  await page.getByRole("button", { name: "Clear draft" }).click();
  assert.equal(await field.inputValue(), "");
  // A form that keeps no draft asks before it is lost.
  await page.goto(`${url}/projects`);
  await page.getByRole("button", { name: "Add repository" }).click();
  await page.getByLabel("Path of the repository").fill("/src/todo");
  await page.keyboard.press("Escape");
  await page.getByRole("dialog", { name: "Discard what you typed?" }).waitFor();
  await page.getByRole("button", { name: "Keep editing" }).click();
  assert.equal(await page.getByLabel("Path of the repository").inputValue(), "/src/todo");
});

tell("a place in a document has an address, which search leads to", async (open) => {
  const page = await open();
  await page.goto(`${url}/?token=${token}`);
  await page.goto(`${url}/search?q=%22due%20dates%22&kind=spec`);
  const result = page
    .getByRole("link")
    .filter({ hasText: /Plan, line/ })
    .first();
  await result.waitFor();
  await result.click();
  await page.getByRole("tab", { name: "Plan", selected: true }).waitFor();
  const sought = page.locator("[data-document=tasks] [aria-current=location]");
  await sought.waitFor();
  const [address, words] = [page.url(), await sought.innerText()];
  assert.match(address, /doc=tasks&line=\d+/);
  await page.reload();
  await sought.waitFor();
  assert.equal(await sought.innerText(), words);
});

tell("a task is edited in place; a cancelled one is reopened where it was", async (open) => {
  const page = await open();
  await page.goto(`${url}/?token=${token}`);
  await page.goto(`${url}/tasks?create=true`);
  await page
    .getByLabel("What should the agents do?")
    .fill("Add recurring todos: when a weekly todo is done, the next one appears by itself.");
  await page.getByRole("button", { name: "Create and start" }).click();
  await page.getByRole("tab", { name: "Overview" }).click();
  await page.getByRole("button", { name: "Edit details" }).click();
  const form = page.getByRole("form", { name: "Edit details" });
  await form.getByLabel("Name").fill("Recurring todos");
  await form.getByLabel("Labels").fill("todo, weekly");
  await form.getByRole("button", { name: "Save" }).click();
  await page.getByRole("heading", { level: 1, name: "Recurring todos" }).waitFor();
  await page.getByText("todo, weekly").first().waitFor();
  await page.getByText("Review the spec").first().waitFor();
  await page.getByRole("button", { name: "Cancel task" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Cancel task" }).click();
  await page.getByRole("button", { name: "Reopen" }).click();
  await page.getByText("Review the spec").first().waitFor();
});

tell("an approval asks about what was written and not sent", async (open) => {
  const page = await open();
  await page.goto(`${url}/?token=${token}`);
  await page.goto(`${url}/tasks`);
  await page.getByText("Recurring todos").first().click();
  await page.getByRole("tab", { name: "Specification" }).click();
  await page.getByRole("button", { name: "Comment", exact: true }).click();
  const composer = page.getByRole("form", { name: "Comment" });
  await composer.getByRole("textbox").fill("And monthly ones?");
  const approve = page.getByRole("button", { name: "Approve spec & start" });
  await approve.click();
  const dialog = page.getByRole("dialog", { name: "Approve spec & start?" });
  await dialog.getByText("1 comment is not sent.").waitFor();
  await dialog.getByRole("button", { name: "Back" }).click();
  await dialog.waitFor({ state: "detached" });
  await page.getByLabel("Overall comment").fill("Weekly is enough.");
  await approve.click();
  await dialog.getByText("Weekly is enough.").waitFor();
  await dialog.getByRole("button", { name: "Request changes" }).waitFor();
  await dialog.getByRole("button", { name: "Approve with this note" }).click();
  await page.getByText("Approved", { exact: true }).first().waitFor();
  await composer.waitFor({ state: "detached" });
  await page.getByText("Weekly is enough.").first().waitFor();
});
