// The inbox: what waits, answered in place, on a page of any width and in both themes.
import assert from "node:assert/strict";
import { after, before } from "node:test";
import { until } from "./api.mjs";
import { findings } from "./axe.mjs";
import { startCrew } from "./crew-place.mjs";
import { picture, story } from "./story.mjs";

const token = "sptk_inbox";
let crew;
before(async () => {
  crew = await startCrew(token);
  const { call, task } = crew;
  const { project_id } = await call("GET", `/spec-tasks/${task}`);
  await call("POST", "/spec-tasks/from-prompt", { prompt: "Write a book of words", project_id });
  await until(
    async () => (await call("GET", "/inbox")).map(({ kind }) => kind).join() === "permission,spec_review",
    "the inbox",
  );
});
after(async () => await crew?.stop());

const tell = (name, act) =>
  story(
    name,
    async (newPage) => {
      const open = async (options) => {
        const page = await newPage(options);
        await page.goto(`${crew.url}/?token=${token}`);
        await page.getByRole("heading", { name: "Inbox" }).waitFor();
        return page;
      };
      await act(open);
    },
    () => crew,
  );

tell("it opens first, is read at any width and in both themes, and axe finds nothing", async (open) => {
  for (const [name, options] of [
    ["inbox-light", { viewport: { width: 1280, height: 800 }, colorScheme: "light" }],
    ["inbox-dark", { viewport: { width: 1280, height: 800 }, colorScheme: "dark" }],
    ["inbox-narrow", { viewport: { width: 360, height: 740 }, colorScheme: "light" }],
    ["inbox-narrow-dark", { viewport: { width: 360, height: 740 }, colorScheme: "dark" }],
  ]) {
    const page = await open(options);
    await page.getByText("rm -f words.md").waitFor();
    assert.equal(new URL(page.url()).pathname, "/inbox");
    assert.match(await page.title(), /^\(2\) Inbox/);
    await picture(page, name);
    assert.deepEqual(await findings(page), [], name);
    const overflow = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    assert.ok(overflow <= 0, `${name} is ${overflow} px too wide`);
    const manifest = await page.evaluate(async () => {
      const { href } = document.querySelector("link[rel=manifest]");
      const found = await fetch(href);
      return [found.headers.get("content-type"), (await found.json()).start_url];
    });
    assert.deepEqual(manifest, ["application/manifest+json", "/inbox"]);
  }
});

tell("a request is allowed for the task by the keyboard, everywhere at once, and revoked", async (open) => {
  const page = await open();
  const other = await open();
  await page.getByText("rm -f words.md").waitFor();
  await other.getByText("rm -f words.md").waitFor();
  await page.keyboard.press("j");
  await page.keyboard.press("w");
  await page.getByText("rm -f words.md").waitFor({ state: "detached" });
  await other.getByText("rm -f words.md").waitFor({ state: "detached" });
  const focused = await page.evaluate(() => document.activeElement?.textContent);
  assert.equal(focused, "Review the specification");
  await page.keyboard.press("Enter");
  await page.waitForURL(/tab=specification/);
  await page.goto(`${crew.url}/tasks/${crew.task}?tab=overview`);
  await page.getByRole("heading", { name: "Allowed for this task" }).waitFor();
  assert.deepEqual(await findings(page), []);
  await page.getByRole("button", { name: "Revoke rm -f words.md" }).click();
  await page.getByRole("heading", { name: "Allowed for this task" }).waitFor({ state: "detached" });
  await page.keyboard.press("g");
  await page.keyboard.press("i");
  await page.waitForURL(/\/inbox$/);
});
