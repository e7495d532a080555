// Installs the agents that the tests run, by exact version, into a cache folder outside the checkout and outside /tmp.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const HERE = path.dirname(fileURLToPath(import.meta.url));
/** How long an installation may take, in milliseconds. */
const TIMEOUT = 240_000;
const UNREACHABLE = /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ERR_SOCKET_TIMEOUT|EIDLETIMEOUT|E50\d)\b/;

/** Returns the folder with the agents' commands. A version that is there already is used again. */
export async function installAgents() {
  const files = ["package.json", "package-lock.json", ".npmrc"];
  const hash = createHash("sha256");
  for (const file of files) hash.update(readFileSync(path.join(HERE, file)));
  const cache = process.env.TEST_AGENTS_CACHE ?? path.join(process.env.XDG_CACHE_HOME ?? path.join(homedir(), ".cache"), "spectask/agents");
  const folder = path.join(cache, hash.digest("hex").slice(0, 12));
  if (!existsSync(folder)) {
    console.log(`Installing the agents into ${folder}`);
    // Other runs see the folder when it is complete.
    const partial = `${folder}.${process.pid}`;
    mkdirSync(partial, { recursive: true });
    for (const file of files) cpSync(path.join(HERE, file), path.join(partial, file));
    await npmInstall(partial);
    // OpenCode's command is put in place by its install script, from a package that is there.
    await promisify(execFile)("node", ["postinstall.mjs"], { cwd: path.join(partial, "node_modules/opencode-ai"), timeout: TIMEOUT });
    checkVersions(partial);
    try {
      renameSync(partial, folder);
    } catch (error) {
      rmSync(partial, { recursive: true, force: true });
      if (!existsSync(folder)) throw error;
    }
  }
  return path.join(folder, "node_modules/.bin");
}

/** `npm ci` refuses a lock without the packages of other platforms, and not every registry has those. */
async function npmInstall(folder) {
  // The agents run without what other install scripts would build.
  const args = ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", "--fetch-retries=2", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=5000"];
  try {
    await promisify(execFile)("npm", args, { cwd: folder, timeout: TIMEOUT, encoding: "utf8" });
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    const output = `${error.stderr ?? ""}${error.message}`;
    const code = output.match(UNREACHABLE)?.[1];
    const reason = error.killed ? `npm did not finish within ${TIMEOUT / 1000} s` : code ? `npm cannot reach its registry (${code})` : `npm failed:\n${output.slice(0, 2000)}`;
    throw new Error(`The agents for the tests cannot be installed: ${reason}. Check the network and \`npm config get registry\`, or name a folder that has them in TEST_AGENTS_CACHE.`);
  }
}

function checkVersions(folder) {
  const { dependencies } = JSON.parse(readFileSync(path.join(HERE, "package.json")));
  for (const [name, version] of Object.entries(dependencies)) {
    const installed = JSON.parse(readFileSync(path.join(folder, "node_modules", name, "package.json"))).version;
    if (installed !== version) throw new Error(`${name} is ${installed} and not ${version} as package.json says: run \`npm install --package-lock-only\` in tests/agents`);
  }
}
