// Names the snapshots in the repository that no test asked for. The tests wrote what they asked for into the named file.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { relative } from "node:path";

const [asked] = process.argv.slice(2);
const used = new Set(
  (existsSync(asked) ? readFileSync(asked, "utf8") : "").split("\n").map((path) => relative(process.cwd(), path)),
);
const kept = execFileSync("git", ["ls-files", "*.snap"], { encoding: "utf8" }).split("\n").filter(Boolean);
const unused = kept.filter((path) => !used.has(path));
for (const path of unused) console.error(`${path}: no test refers to this snapshot; remove it`);
process.exit(unused.length === 0 ? 0 : 1);
