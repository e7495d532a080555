// A server of one's own for stories and measurements in the browser.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { createInterface } from "node:readline";

const target = process.env.CARGO_TARGET_DIR ?? resolve(import.meta.dirname, "../../target");

/** The binary under test: a named one, or the one that was built in a profile. */
export function binary(profile = "debug") {
  const path = process.env.SPECTASK_BINARY ?? resolve(target, profile, "spectask");
  if (!existsSync(path)) throw new Error(`${path} is missing: build it, or name another by SPECTASK_BINARY`);
  return path;
}

/** The browser, which is the system's own. */
export function chromiumPath() {
  const path =
    process.env.CHROMIUM ??
    ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);
  if (!path)
    throw new Error("Chromium is needed (Debian: apt-get install chromium), or CHROMIUM names a browser");
  return path;
}

/** How much of what a server says is kept, in characters. */
const KEPT = 10_000;

/** Starts a server and waits until it listens. */
export async function startServer(path, args, env) {
  const child = spawn(path, args, {
    env: { ...process.env, RUST_LOG: "warn", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (text) => {
    said = (said + text).slice(-KEPT);
  });
  for await (const line of createInterface({ input: child.stdout })) {
    if (!line.startsWith("listening on ")) continue;
    const stop = async (signal = "SIGTERM") => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = new Promise((done) => child.once("exit", done));
      child.kill(signal);
      await ended;
    };
    return { url: line.slice("listening on ".length), stop, said: () => said };
  }
  throw new Error(`the server ended before it listened: ${said}`);
}
