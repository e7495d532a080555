// The server's settings, as its owner uses them: tokens, the audit log and storage.
import assert from "node:assert/strict";
import { until } from "./api.mjs";
import { demo } from "./demo.mjs";

const server = demo("settings");
const { call } = server;
const tell = (name, act) => server.tell(name, async (open) => act(await open()));

const statusOf = async (secret) =>
  (await fetch(`${server.url}/api/v1/me`, { headers: { Authorization: `Bearer ${secret}` } })).status;

tell("a token is created, shown once, and revoked", async (page) => {
  await page.getByRole("link", { name: "Settings" }).click();
  await page.getByRole("button", { name: "Create token" }).click();
  const form = page.getByRole("dialog", { name: "Create token" });
  await form.getByLabel("Name").fill("build server");
  await form.getByRole("button", { name: "Create token" }).click();
  const created = page.getByRole("dialog", { name: "Token created" });
  const secret = await created.getByRole("textbox", { name: "Token" }).inputValue();
  assert.match(secret, /^sptk_/);
  assert.equal(await statusOf(secret), 200);
  // Neither a key nor a click beside it takes it away.
  await page.keyboard.press("Escape");
  await page.mouse.click(5, 5);
  await created.getByText("It is not shown again.").waitFor();
  await created.getByRole("button", { name: "Done" }).click();
  await created.waitFor({ state: "detached" });
  assert.ok(!(await page.content()).includes(secret));
  const row = page.getByRole("row").filter({ hasText: "build server" });
  await row.getByText("Read", { exact: true }).waitFor();
  await row.getByRole("button", { name: "Revoke build server" }).click();
  const question = page.getByRole("dialog", { name: "Revoke build server?" });
  await question.getByRole("button", { name: "Revoke" }).click();
  await question.waitFor({ state: "detached" });
  await row.waitFor({ state: "detached" });
  assert.equal(await statusOf(secret), 401);
  await page.getByText("1 revoked or expired").click();
  await page
    .getByRole("table", { name: "Revoked and expired tokens" })
    .getByText(/^Revoked/)
    .waitFor();
});

tell("the audit log is read in pages and narrowed down by its address", async (page) => {
  for (let number = 1; number <= 60; number++) await call("POST", "/tokens", { name: `token ${number}` });
  await page.goto(`${server.url}/settings?view=audit`);
  const rows = page.getByRole("table", { name: "Audit log" }).getByRole("row");
  await page.getByText(/^50 of \d+ entries$/).waitFor();
  assert.equal(await rows.count(), 51);
  await page.getByRole("button", { name: "Show older entries" }).click();
  await page.getByText(/^\d+ entries$/).waitFor();
  await page.getByRole("combobox", { name: "Action" }).click();
  await page.getByRole("option", { name: "Sign in" }).click();
  await page.waitForURL(/action=sign_in/);
  await page.getByText("Dashboard").first().waitFor();
  const narrowed = page.url();
  await page.goto(`${narrowed}&from=2100-01-01`);
  await page.getByText("No entries match these filters").waitFor();
  await page.getByRole("button", { name: "Clear filters" }).click();
  await page.getByText(/^50 of \d+ entries$/).waitFor();
  assert.doesNotMatch(page.url(), /action=|from=/);
});

tell("the audit log names tasks, and leads to them", async (page) => {
  const [sample] = await call("GET", "/demo-repos");
  const { id, name } = await call("POST", "/spec-tasks/from-demo", {
    demo_repo: sample.id,
    prompt: sample.prompts[0],
  });
  await call("POST", `/spec-tasks/${id}/cancel`);
  await page.goto(`${server.url}/settings?view=audit&object=${id}`);
  await page
    .getByRole("link", { name: name.slice(0, 40) })
    .first()
    .click();
  await page.getByRole("heading", { level: 1, name }).waitFor();
});

tell("what is not the owner's is refused with a sentence, and can be tried again", async (page) => {
  let asked = 0;
  await page.route("**/api/v1/tokens*", (route) => {
    asked += 1;
    return route.fulfill({
      status: 403,
      contentType: "application/problem+json",
      body: JSON.stringify({ status: 403, code: "not_allowed", detail: "This token may not do that." }),
    });
  });
  await page.goto(`${server.url}/settings`);
  await page.getByText("This token may not do that.").waitFor();
  const before = asked;
  await page.getByRole("button", { name: "Try again" }).click();
  await until(() => asked > before, "another try");
  await page.getByText("This token may not do that.").waitFor();
  await page.unroute("**/api/v1/tokens*");
  await page.reload();
  await page.getByRole("table", { name: "Tokens" }).waitFor();
});

tell("storage is shown, and maintenance is run after it said what it removes", async (page) => {
  await page.goto(`${server.url}/settings?view=storage`);
  const stored = page.getByRole("table", { name: "Stored" });
  await stored
    .getByText(/[KMG]iB$/)
    .first()
    .waitFor();
  await page.getByRole("table", { name: "Retention" }).getByText("retention.trash_days").waitFor();
  await page.getByRole("button", { name: "Run now" }).click();
  const question = page.getByRole("dialog", { name: "Run maintenance now?" });
  await question.getByText(/This removes|nothing to remove/).waitFor();
  await question.getByRole("button", { name: "Run now" }).click();
  await question.waitFor({ state: "detached" });
  await page.getByText(/^Ran /).waitFor();
  const [entry] = await call("GET", "/audit?action=run_maintenance");
  assert.equal(entry.action, "run_maintenance");
});
