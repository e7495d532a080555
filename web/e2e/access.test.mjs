// The dashboard for those who use the keyboard or a screen reader.
import assert from "node:assert/strict";
import { until } from "./api.mjs";
import { findings, RULES } from "./axe.mjs";
import { demo } from "./demo.mjs";

/** What the colours of a theme can change. */
const CONTRAST = ["color-contrast", "link-in-text-block"];
/** How many times the tab key is pressed at most to get to a decision. */
const TABS = 11;

const server = demo("access", { env: { SPECTASK_SCRIPTED_PACE_MS: "0" }, prepare });
const { call } = server;
const tell = (name, act) =>
  server.tell(name, (open) =>
    act((options) => open({ reducedMotion: "reduce", bypassCSP: true, ...options })),
  );

/** A task under each review, and a session of the second. */
let spec;
let change;
let session;

async function prepare() {
  const sample = (await call("GET", "/demo-repos")).find(({ id }) => id === "nodejs-todo");
  const make = async () => {
    const body = { demo_repo: sample.id, prompt: sample.prompts[0] };
    return (await call("POST", "/spec-tasks/from-demo", body)).id;
  };
  const reached = (id, status) =>
    until(async () => (await call("GET", `/spec-tasks/${id}`)).status === status, status);
  change = await make();
  await reached(change, "spec_review");
  await call("POST", `/spec-tasks/${change}/approve-specs`, { approved: true });
  await reached(change, "implementation_review");
  spec = await make();
  await reached(spec, "spec_review");
  await comment();
  session = (await call("GET", `/spec-tasks/${change}`)).work_sessions.at(-1).id;
}

/** Comments on a criterion of the first task's requirements, and on the whole document. */
async function comment() {
  const { requirements_spec: text } = await call("GET", `/spec-tasks/${spec}/specs`);
  const line = text.split("\n").findIndex((each) => each.includes("SHALL")) + 1;
  const review = (await call("GET", `/spec-tasks/${spec}/reviews`)).at(-1).id;
  const say = (place) =>
    call("POST", `/spec-tasks/${spec}/reviews/${review}/comments`, {
      document: "requirements",
      kind: "question",
      comment: "For how long?",
      ...place,
    });
  await say({ start_line: line, end_line: line });
  await say({});
}

for (const [colorScheme, rules] of [
  ["light", RULES],
  ["dark", CONTRAST],
]) {
  tell(`axe finds nothing on any page, ${colorScheme}`, async (open) => {
    const page = await open({ colorScheme });
    const part = (tab) => `/tasks/${change}?tab=${tab}`;
    const at = (view) => `/tasks/${change}/sessions/${session}?view=${view}`;
    const pages = [
      "/tasks",
      "/tasks?create=true",
      `/tasks/${spec}?tab=specification`,
      ...["overview", "sessions", "change", "timeline", "coordination"].map(part),
      ...["conversation", "changes", "commands", "terminal"].map(at),
      "/fleet",
      "/search?q=due",
      "/analytics",
      "/projects",
      "/agents",
      "/settings",
      "/settings?view=audit",
      "/settings?view=storage",
      "/docs#post_spec_tasks_from_prompt",
      "/nowhere",
      "/tasks/spt_nowhere",
    ];
    const found = [];
    const look = async (name) =>
      found.push(...(await findings(page, rules)).map((each) => `${name} ${each}`));
    for (const address of pages) {
      await page.goto(`${server.url}${address}`);
      await page.locator("h1").first().waitFor();
      await look(address);
    }
    await page.goto(`${server.url}/tasks/${spec}?tab=specification`);
    await page.locator("[data-commented]").first().waitFor();
    await page.getByRole("button", { name: "Side by side" }).click();
    await page.getByText("Documents side by side").waitFor();
    await page.mouse.move(0, 0);
    await page.getByRole("tooltip").waitFor({ state: "detached" });
    await look("documents side by side");
    await page.getByRole("button", { name: "Side by side" }).click();
    await page.goto(`${server.url}/projects`);
    await page
      .getByRole("button", { name: /^Settings of/ })
      .first()
      .click();
    await page.getByRole("dialog").waitFor();
    await look("settings");
    await page.keyboard.press("Escape");
    await page.keyboard.press("Control+k");
    await page.getByRole("dialog", { name: "Search" }).waitFor();
    await look("search dialog");
    await page.setViewportSize({ width: 390, height: 844 });
    for (const address of [
      `/tasks/${spec}?tab=specification`,
      part("change"),
      at("conversation"),
      "/fleet",
      "/analytics",
      "/settings",
      "/settings?view=audit",
      "/settings?view=storage",
      "/docs#schema-SpecTask",
    ]) {
      await page.goto(`${server.url}${address}`);
      await page.locator("h1").first().waitFor();
      await look(`narrow ${address}`);
    }
    await page.context().clearCookies();
    await page.goto(`${server.url}/login`);
    await page.getByLabel("Access token").waitFor();
    await look("login");
    assert.deepEqual(found, []);
  });
}

const focused = (page) =>
  page.evaluate(() => {
    const { activeElement } = document;
    return activeElement === document.body ? "nothing" : (activeElement?.textContent ?? "");
  });

tell("decisions are near for the keyboard, and the focus is never lost", async (open) => {
  const page = await open();
  await page.goto(`${server.url}/tasks/${change}?tab=change`);
  const diff = page.getByRole("region", { name: /^Changes of/ }).first();
  await diff.waitFor();
  let tabs = 0;
  while (!(await focused(page)).startsWith("Approve & merge")) {
    await page.keyboard.press("Tab");
    tabs += 1;
    assert.ok(tabs <= TABS, `the decision is more than ${TABS} tabs away`);
  }
  // By its key, from anywhere; the dialog gives the focus back.
  await page.keyboard.press("a");
  const dialog = page.getByRole("dialog", { name: "Approve & merge?" });
  await dialog.getByText("Commit").waitFor();
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  assert.match(await focused(page), /^Approve & merge/);
  await page.keyboard.press("r");
  assert.equal(await page.evaluate(() => document.activeElement?.tagName), "TEXTAREA");
  await page.getByText("Describe the changes you want to request them.").waitFor();

  // A line of the change is commented on by the arrows.
  await diff.focus();
  for (const key of ["ArrowDown", "ArrowDown", "Enter"]) await page.keyboard.press(key);
  await page.getByRole("textbox", { name: /^Comment on .*, line/ }).waitFor();
  await page.getByRole("button", { name: "Remove the comment" }).click();
  await until(async () => (await focused(page)) !== "nothing", "the focus");

  // A page that was gone to has the focus, and is named.
  await page.goto(`${server.url}/tasks`);
  await page.locator("[data-row='0']").waitFor();
  await page.keyboard.press("j");
  await page.locator("[data-row='0']:focus").waitFor();
  await page.keyboard.press("Enter");
  await page.getByRole("tab", { name: "Overview" }).waitFor();
  assert.equal(await page.evaluate(() => document.activeElement?.id), "main");
  await page.getByRole("status", { name: "Page" }).getByText("Add due dates").waitFor({ state: "attached" });
});

tell("with more contrast, lines and secondary text stand out in both themes", async (open) => {
  for (const colorScheme of ["light", "dark"]) {
    const page = await open({ colorScheme, contrast: "more" });
    await page.goto(`${server.url}/settings`);
    await page.getByRole("table", { name: "Tokens" }).waitFor();
    const [text, secondary, divider, isAsked] = await page.evaluate(() => {
      const style = getComputedStyle(document.documentElement);
      const names = ["text-primary", "text-secondary", "divider"];
      const found = names.map((name) => style.getPropertyValue(`--mui-palette-${name}`).trim());
      return [...found, matchMedia("(prefers-contrast: more)").matches];
    });
    assert.ok(isAsked, "the browser asks for more contrast");
    assert.equal(secondary, text);
    assert.match(divider, /color-mix/);
    assert.deepEqual(await findings(page, CONTRAST), []);
  }
});

tell("a review is printed without what is there to be used, and dark on white", async (open) => {
  const page = await open({ colorScheme: "dark" });
  await page.goto(`${server.url}/tasks/${spec}?tab=specification`);
  const decision = page.getByRole("button", { name: "Approve spec & start" });
  await decision.waitFor();
  await page.emulateMedia({ media: "print" });
  await page.evaluate(() => window.dispatchEvent(new Event("beforeprint")));
  assert.equal(await decision.isVisible(), false);
  assert.equal(await page.getByRole("navigation", { name: "Main" }).count(), 0);
  assert.ok(await page.getByRole("heading", { name: "Introduction" }).isVisible());
  const scheme = () => page.evaluate(() => document.documentElement.dataset.scheme);
  assert.equal(await scheme(), "light");
  await page.evaluate(() => window.dispatchEvent(new Event("afterprint")));
  assert.equal(await scheme(), "dark");
});

tell("without a connection actions are disabled with the reason, and what is typed is kept", async (open) => {
  const page = await open();
  await page.goto(`${server.url}/tasks/${spec}?tab=specification`);
  await page.getByRole("button", { name: "Comment", exact: true }).click();
  const composer = page.getByRole("form", { name: "Comment" });
  const field = composer.getByRole("textbox");
  await page.context().setOffline(true);
  await page.getByText("Connection lost.").waitFor();
  await field.fill("Written without a connection");
  await field.press("Control+Enter");
  const send = composer.getByRole("button", { name: "Comment" });
  const actions = [
    send,
    page.getByRole("button", { name: "Approve spec & start" }),
    page.getByRole("button", { name: "Cancel task" }),
  ];
  for (const action of actions) {
    assert.equal(await action.getAttribute("aria-disabled"), "true");
    await action.click({ force: true });
  }
  // The explanation of what the mouse is on goes first.
  await page.mouse.move(0, 0);
  await page.waitForFunction(() => !document.querySelector("[role=tooltip]"));
  await field.focus();
  await page.keyboard.press("Tab");
  await page.locator("button:focus").getByText("Comment").waitFor();
  await page.getByRole("tooltip", { name: "Not available while the connection is lost." }).waitFor();
  assert.equal(await page.getByRole("dialog").count(), 0);
  assert.equal(await page.getByText("The server does not answer").count(), 0);
  await page.context().setOffline(false);
  await page.getByText("Connection lost.").waitFor({ state: "detached" });
  assert.equal(await field.inputValue(), "Written without a connection");
  await send.click();
  await composer.waitFor({ state: "detached" });
  await page.getByText("Written without a connection").waitFor();
});

tell("nothing is approved before its comments, or its change, are loaded", async (open) => {
  const page = await open();
  for (const [task, tab, loads, name] of [
    [spec, "specification", "reviews", "Approve spec & start"],
    [change, "change", "diff", "Approve & merge"],
  ]) {
    const address = new RegExp(`/spec-tasks/${task}/${loads}`);
    let load;
    const isAsked = new Promise((done) => {
      load = done;
    });
    await page.route(address, async (route) => {
      await isAsked;
      await route.continue();
    });
    await page.goto(`${server.url}/tasks/${task}?tab=${tab}`);
    const approve = page.getByRole("button", { name, exact: true });
    await approve.waitFor();
    assert.equal(await approve.getAttribute("aria-disabled"), "true");
    await approve.click({ force: true });
    await page.keyboard.press("a");
    assert.equal(await page.getByRole("dialog").count(), 0);
    load();
    await page.locator("button:not([aria-disabled])").filter({ hasText: name }).waitFor();
    await page.keyboard.press("a");
    await page.getByRole("dialog", { name: `${name}?` }).waitFor();
    await page.keyboard.press("Escape");
    await page.unroute(address);
  }
});

tell("a comment on a line that is written without a connection is kept when it is back", async (open) => {
  const page = await open();
  await page.goto(`${server.url}/tasks/${change}?tab=change`);
  const line = page.getByRole("button", { name: /^Comment on line/ }).first();
  await line.waitFor();
  await page.context().setOffline(true);
  await page.getByText("Connection lost.").waitFor();
  await line.click();
  let refused = 0;
  page.on("requestfailed", (request) => {
    if (request.method() === "PUT") refused += 1;
  });
  const field = page.getByRole("textbox", { name: /^Comment on .*, line/ });
  await field.fill("Written without a connection");
  await until(() => refused > 5, "refused writes");
  await page.context().setOffline(false);
  await page.getByText("Connection lost.").waitFor({ state: "detached" });
  await until(async () => {
    const { line_comments: kept } = await call("GET", `/spec-tasks/${change}/pending-review`);
    return kept.some(({ comment }) => comment === "Written without a connection");
  }, "the comment");
  assert.equal(await field.inputValue(), "Written without a connection");
});
