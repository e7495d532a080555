// A crew at work, as a person looks after it: in a browser, on a real server.
import assert from "node:assert/strict";
import { after, before } from "node:test";
import { findings } from "./axe.mjs";
import { startCrew } from "./crew-place.mjs";
import { picture, story } from "./story.mjs";

const token = "sptk_crew";
let crew;

before(async () => {
  crew = await startCrew(token);
});

after(async () => await crew?.stop());

const tell = (name, act) =>
  story(
    name,
    async (newPage) => {
      const open = async (options) => {
        const page = await newPage(options);
        await page.goto(`${crew.url}/?token=${token}`);
        return page;
      };
      await act(open);
    },
    () => crew,
  );

const named = (name) => crew.sessions.find((session) => session.name.includes(name));
const at = (session, search = "") => `${crew.url}/tasks/${crew.task}/sessions/${session.id}${search}`;

tell(
  "a session has a page: what it says, what it ran, what it changes, and what waits to be said",
  async (open) => {
    const page = await open();
    await page.goto(at(named("sea")));
    const log = page.getByRole("log");
    await log.getByText("The words of the sea are written.").waitFor();
    await picture(page, "crew-session");

    await page.getByRole("tab", { name: /Commands/ }).click();
    await page.getByText("3 words.md").waitFor();
    await picture(page, "crew-commands");
    await page.getByRole("tab", { name: "Changes" }).click();
    // It is not committed yet, and shown all the same.
    await page.getByText("with what is not committed yet").waitFor();
    await page.getByRole("region", { name: "Changes of words.md" }).getByText("wave").waitFor();
    await picture(page, "crew-changes");

    await page.getByRole("tab", { name: "Conversation" }).click();
    await page.getByLabel("Message to the agent").fill("Mind the tide");
    await page.keyboard.press("Enter");
    const waiting = page.getByRole("region", { name: "Waiting messages" });
    await waiting.getByText("Mind the tide").waitFor();
    await picture(page, "crew-waiting");
    await waiting.getByRole("button", { name: "Edit" }).click();
    await waiting.getByLabel("Edit message").fill("Mind the ebb");
    await page.keyboard.press("Enter");
    await waiting.getByText("Mind the ebb").waitFor();
    await waiting.getByRole("button", { name: "Withdraw" }).click();
    await waiting.waitFor({ state: "detached" });
    await log.getByText("withdrawn").waitFor();
  },
);

tell("an entry of a conversation has an address that leads to it", async (open) => {
  const session = named("sea");
  const entries = await crew.call("GET", `/work-sessions/${session.id}/events?limit=500`);
  const { seq } = entries.find((entry) => entry.kind === "tool_call");
  const page = await open();
  for (const address of [`?at=${seq}`, `#${seq}`]) {
    await page.goto(at(session, address));
    await page.locator("[role=log] [aria-current=location]").getByText("cat words.md").waitFor();
  }
});

tell("what collides is shown with both sides' lines", async (open) => {
  const page = await open();
  await page.goto(`${crew.url}/tasks/${crew.task}?tab=sessions`);
  await page.getByText("change the same lines in words.md").first().waitFor();
  await page.getByRole("button", { name: "Show both sides" }).first().click();
  const collisions = page.getByRole("region", { name: "Collisions" });
  await collisions.getByText("wave").waitFor();
  await collisions.getByText("well").waitFor();
  await page.getByText("Blocked by Words of the sea").waitFor();
  await picture(page, "crew-collisions");
});

tell("a person spawns a session, and is told when there are too many", async (open) => {
  const page = await open();
  await page.goto(at(named("sea")));
  const spawn = () => page.getByRole("button", { name: "Add subtask" }).click();
  await spawn();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Tests" }).click();
  await dialog.getByText("It is merged after").waitFor();
  await picture(page, "crew-spawn");
  await dialog.getByRole("button", { name: "Create and start" }).click();
  await page.getByRole("heading", { level: 1, name: "Tests for Words of the sea" }).waitFor();
  await page.getByRole("log").getByText("I look for what is not tested.").waitFor();
  await page.goto(at(named("sea")));
  await spawn();
  await dialog.getByRole("button", { name: "Documentation" }).click();
  await dialog.getByRole("button", { name: "Create and start" }).click();
  await dialog.getByRole("alert").waitFor();
  await picture(page, "crew-too-many");
  await page.keyboard.press("Escape");
});

tell("what is told to the crew is there for everybody who looks, at once", async (open) => {
  const watcher = await open();
  await watcher.goto(`${crew.url}/tasks/${crew.task}?tab=coordination`);
  await watcher.getByLabel("Message to the crew").waitFor();
  const page = await open();
  await page.goto(`${crew.url}/tasks/${crew.task}?tab=coordination`);
  await page.getByLabel("Message to the crew").fill("Use the singular everywhere");
  await page.getByRole("button", { name: "Send" }).click();
  for (const each of [page, watcher]) {
    const list = each.getByRole("list", { name: "Coordination" });
    await list.getByText("Use the singular everywhere").first().waitFor();
    await each.getByRole("button", { name: /Broadcast 1/ }).waitFor();
  }
  await picture(page, "crew-coordination");
});

tell("the timeline is read with the keyboard, and as a table", async (open) => {
  const page = await open();
  await page.goto(`${crew.url}/tasks/${crew.task}?tab=timeline`);
  const chart = page.getByRole("application", { name: /Timeline/ });
  await chart.focus();
  await page.keyboard.press("ArrowRight");
  for (const name of ["ArrowDown", "ArrowDown", "ArrowRight"]) await page.keyboard.press(name);
  await page.locator("#timeline-chosen b").waitFor();
  await picture(page, "crew-timeline");
  for (const width of [390, 768, 1024, 1440]) {
    await page.setViewportSize({ width, height: 860 });
    const distances = await page.evaluate(() => {
      const labels = [...document.querySelectorAll("[data-tick]")].map((tick) =>
        tick.getBoundingClientRect(),
      );
      return labels.slice(1).map((label, at) => label.left - labels[at].right);
    });
    assert.ok(distances.length > 0 && distances.every((distance) => distance > 0), `${width}: ${distances}`);
  }
  await page.setViewportSize({ width: 1280, height: 860 });
  await page.getByRole("button", { name: "Table" }).click();
  await page
    .getByRole("table", { name: "Timeline" })
    .getByText("Turn 1: carry out the planned task")
    .first()
    .waitFor();
  await picture(page, "crew-timeline-table");
});

tell("every page of a crew stands on a narrow screen in the dark", async (open) => {
  const page = await open({ viewport: { width: 390, height: 800 }, colorScheme: "dark" });
  const session = at(named("sea"));
  const pages = {
    overview: `${crew.url}/tasks/${crew.task}?tab=overview`,
    sessions: `${crew.url}/tasks/${crew.task}?tab=sessions`,
    timeline: `${crew.url}/tasks/${crew.task}?tab=timeline`,
    coordination: `${crew.url}/tasks/${crew.task}?tab=coordination`,
    conversation: session,
    changes: `${session}?view=changes`,
    commands: `${session}?view=commands`,
    terminal: `${session}?view=terminal`,
    details: `${session}?view=details`,
  };
  for (const [name, address] of Object.entries(pages)) {
    await page.goto(address);
    await page.locator("h1").first().waitFor();
    await page.locator("[role=tabpanel]").first().waitFor();
    await page.waitForLoadState("networkidle");
    const overflow = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    assert.ok(overflow <= 0, `${name} is ${overflow} pixels too wide`);
    await picture(page, `crew-narrow-${name}`);
  }
});

tell("axe finds nothing while a crew is at work", async (open) => {
  const page = await open({ bypassCSP: true, reducedMotion: "reduce" });
  const found = [];
  for (const address of [
    "/fleet",
    `/tasks/${crew.task}?tab=sessions&session=${named("sea").id}`,
    new URL(at(named("land"))).pathname,
  ]) {
    await page.goto(`${crew.url}${address}`);
    await page.locator("h1").first().waitFor();
    await page.getByRole("region", { name: "Permission requests" }).waitFor();
    found.push(...(await findings(page)).map((each) => `${address} ${each}`));
  }
  assert.deepEqual(found, []);
});

tell(
  "a permission request says who asks for what, and its session is nobody's work until it is answered",
  async (open) => {
    const page = await open();
    await page.goto(`${crew.url}/fleet`);
    const bar = page.getByRole("region", { name: "Permission requests" });
    await bar.getByText("The player", { exact: true }).waitFor();
    await bar.getByText("rm -f words.md", { exact: true }).waitFor();
    await bar.getByText(/Rejected automatically in \d+ min/).waitFor();
    await page.getByText(/1 waits for your permission/).waitFor();
    await bar.getByRole("link", { name: /› Words of the land/ }).click();
    await page.getByRole("heading", { level: 1, name: "Words of the land" }).waitFor();
    await page.getByText("Your turn · permission").first().waitFor();
    await page.getByRole("log").getByText("waiting for an answer").waitFor();
    await bar.getByRole("button", { name: "Allow", exact: true }).click();
    await bar.waitFor({ state: "detached" });
    await page.getByText("Your turn · permission").first().waitFor({ state: "detached" });
  },
);

tell("cancelling a session is asked about first, and what depends on it stays blocked", async (open) => {
  const page = await open();
  await page.goto(at(named("sea")));
  await page.getByRole("button", { name: "Actions of Words of the sea" }).click();
  await page.getByRole("menuitem", { name: "Cancel session" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Cancel session" }).click();
  await page.getByRole("button", { name: "Retry" }).waitFor();
  await page.goto(at(named("list")));
  await page.getByText("blocked by Words of the sea").first().waitFor();
});
