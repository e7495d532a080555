// The first steps of a person with a repository and without an agent.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { findings, RULES } from "./axe.mjs";
import { demo } from "./demo.mjs";

const folder = mkdtempSync(join(tmpdir(), "spectask-first-run-repository-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const git = (...args) => execFileSync("git", ["-C", folder, ...args]);

function commit(files) {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(folder, path, ".."), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  git("add", "-A");
  git("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "commit", "-qm", "Files");
}

const server = demo("first-run", {
  prepare: () => {
    git("init", "-q", "-b", "main");
    commit({ "go.mod": "module shop\n", ".spectask/project.toml": 'checks = ["make test"]\n' });
  },
});
const tell = (name, act) =>
  server.tell(name, (open) =>
    act((options) => open({ reducedMotion: "reduce", bypassCSP: true, ...options })),
  );

/** Asserts that nothing is wider than the page. */
async function fits(page) {
  const [content, width] = await page.evaluate(() => [
    document.documentElement.scrollWidth,
    document.documentElement.clientWidth,
  ]);
  assert.ok(content <= width, `the page is ${content} wide and shows ${width}`);
}

for (const colorScheme of ["light", "dark"]) {
  tell(`the first steps are read by axe and fit a phone, in ${colorScheme}`, async (open) => {
    const page = await open({ colorScheme, viewport: { width: 360, height: 740 } });
    await page.goto(`${server.url}/tasks`);
    await page.getByRole("heading", { name: "Install a coding agent" }).waitFor();
    assert.deepEqual(await findings(page, RULES), []);
    await fits(page);
  });
}

tell("a repository is added by the keyboard, and its settings are trusted", async (open) => {
  const page = await open({ viewport: { width: 360, height: 740 } });
  await page.goto(`${server.url}/tasks`);
  await page.getByLabel("Path of the repository").focus();
  await page.keyboard.type(folder);
  await page.keyboard.press("Enter");
  const found = page.getByRole("status", { name: "What was found" });
  await found.getByText("go test ./...").waitFor();
  assert.deepEqual(await findings(page, RULES), []);
  await fits(page);
  await page.getByRole("button", { name: "Add this repository" }).press("Enter");
  const review = page.getByRole("button", { name: /^Review the settings file/ });
  await review.waitFor();
  assert.deepEqual(await findings(page, RULES), []);
  await review.press("Enter");
  await page.getByRole("dialog").getByText('checks = ["make test"]').waitFor();
  assert.deepEqual(await findings(page, RULES), []);
  await fits(page);
  await page.getByRole("button", { name: "Trust and use" }).press("Enter");
  // What is behind a dialog is not in the accessibility tree.
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await review.waitFor({ state: "detached" });
  const projects = await server.call("GET", "/projects");
  const state = projects.find(({ repository_path }) => repository_path.endsWith(folder)).settings_file.state;
  assert.equal(state, "trusted");
});
