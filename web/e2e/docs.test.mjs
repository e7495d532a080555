// The API reference, which the server's own document fills.
import assert from "node:assert/strict";
import { demo } from "./demo.mjs";

const server = demo("docs");

server.tell("the API reference is read by the keyboard, at 360 pixels", async (open) => {
  const page = await open({ viewport: { width: 360, height: 740 } });
  await page.goto(`${server.url}/docs`);
  await page.getByRole("searchbox", { name: "Filter operations and schemas" }).fill("approve specs");
  const operation = page.getByRole("button", { name: /^POST \/api\/v1\/spec-tasks\/\{id\}\/approve-specs/ });
  await operation.focus();
  await page.keyboard.press("Enter");
  await page.getByText(`${server.url}/api/v1/spec-tasks/`).waitFor();
  assert.equal(await operation.getAttribute("aria-expanded"), "true");
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.equal(width, 360, "nothing is wider than the screen");

  // A type leads to its schema, whatever the filter hides, and the way back to the operation.
  await page.getByRole("link", { name: "Problem", exact: true }).click();
  const schema = page.getByRole("button", { name: "Problem", exact: true, expanded: true });
  await schema.waitFor();
  await page.waitForFunction(() => {
    const top = document.getElementById("schema-Problem")?.getBoundingClientRect().top ?? -1;
    return top >= 0 && top < innerHeight;
  });
  assert.equal(new URL(page.url()).hash, "#schema-Problem");
});

server.tell("the API reference is for those who may read the API's document", async (open) => {
  const page = await open();
  await page.context().clearCookies();
  await page.goto(`${server.url}/docs#get_me`);
  await page.getByLabel("Access token").waitFor();
  assert.equal(new URL(page.url()).searchParams.get("next"), "/docs#get_me");
  assert.equal((await fetch(`${server.url}/api/v1/openapi.json`)).status, 401);
});
