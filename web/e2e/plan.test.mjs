// The plan edited task by task: in a browser, on the demo server.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before } from "node:test";
import { findings } from "./axe.mjs";
import { binary, startServer } from "./server.mjs";
import { picture, story } from "./story.mjs";

const token = "sptk_plan";
const folder = mkdtempSync(join(tmpdir(), "spectask-plan-"));
let server;

before(async () => {
  server = await startServer(
    binary(),
    ["demo", "--no-open", "--bind", "127.0.0.1:0", "--data-dir", join(folder, "data")],
    { SPECTASK_TOKEN: token, SPECTASK_SCRIPTED_PACE_MS: "10" },
  );
});

after(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

for (const colorScheme of ["light", "dark"]) {
  story(
    `a plan is edited without Markdown, by keyboard, on a narrow screen (${colorScheme})`,
    async (open) => {
      const page = await open({ viewport: { width: 360, height: 800 }, colorScheme });
      await page.goto(`${server.url}/?token=${token}`);
      await page.getByText("Add due dates").first().click();
      await page.getByRole("tab", { name: "Specification" }).click();
      await page.getByRole("tab", { name: "Plan" }).click();
      await page.getByRole("button", { name: "Edit the plan task by task" }).click();
      const list = page.getByRole("list", { name: "Planned tasks" });
      await list.waitFor();
      const titles = () => list.locator("p bdi").allTextContents();
      const first = await titles();
      await page.getByRole("button", { name: /^Move task 1 / }).focus();
      // Each step is announced before the next key does anything.
      const announced = (words) => page.getByText(words).waitFor({ state: "attached" });
      await page.keyboard.press("Space");
      await announced(/^Task 1, .+, (picked up|is) at position 1 of /);
      await page.keyboard.press("ArrowDown");
      await announced(/^Task 1, .+, is at position 2 of /);
      await page.keyboard.press("Space");
      await announced(/^Task 1, .+, moved to position 2 of /);
      const handle = page.getByRole("button", { name: `Move task 2 ${first[0]}` });
      assert.ok(await handle.evaluate((element) => element === document.activeElement));
      assert.deepEqual((await titles()).slice(0, 2), [first[1], first[0]]);
      const overflow = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      assert.ok(overflow <= 0, `the page is ${overflow} pixels too wide`);
      assert.deepEqual(await findings(page), []);
      await picture(page, `plan-edit-${colorScheme}`);
      await page.getByRole("button", { name: "Save plan" }).click();
      await page.getByText("The plan is saved as a new version.").waitFor();
      await page.getByRole("button", { name: "Restore the version before" }).click();
      await page.getByText("The plan is saved as a new version.").waitFor({ state: "detached" });
    },
    () => server,
  );
}
