import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { dependencyProblems, permits, policyOf } from "./dependencies.mjs";

const toml = readFileSync(new URL("../deny.toml", import.meta.url), "utf8");
const MIT = "MIT";

test("a licence is permitted when a choice of it is", () => {
  const allowed = new Set(["MIT", "Zlib", "Apache-2.0 WITH LLVM-exception"]);
  for (const text of ["MIT", "GPL-3.0 OR MIT", "MIT/GPL-3.0", "(MIT OR GPL-3.0) AND Zlib", "Apache-2.0 WITH LLVM-exception"]) {
    assert.ok(permits(text, allowed), text);
  }
  for (const text of ["GPL-3.0", "MIT AND GPL-3.0", "(MIT OR Zlib) AND GPL-3.0", "Apache-2.0", "GPL-3.0 WITH LLVM-exception"]) {
    assert.ok(!permits(text, allowed), text);
  }
});

test("the policy is read from deny.toml", () => {
  const { licenses, once, banned, wrapped } = policyOf(toml);
  assert.ok(licenses.has("MPL-2.0") && once.includes("tokio") && banned.includes("openssl-sys"));
  assert.ok(wrapped.includes("chrono") && !banned.includes("chrono"));
  assert.throws(() => policyOf("[licenses]\n"), /another shape/);
});

test("each thing that a dependency may not be is named", () => {
  const folder = mkdtempSync(join(tmpdir(), "dependencies-"));
  mkdirSync(join(folder, "src"));
  writeFileSync(join(folder, "src/lib.rs"), "use tokio::time;\n// left_over::Thing\n");
  const uses = (name, more = {}) => ({ name, req: "1", kind: null, rename: null, path: null, ...more });
  const packages = [
    {
      id: "own",
      name: "own",
      version: "1.0.0",
      license: MIT,
      source: null,
      rust_version: "1.95",
      manifest_path: join(folder, "Cargo.toml"),
      dependencies: [uses("tokio", { req: "*" }), uses("left-over"), uses("chrono")],
    },
    ...[
      ["tokio", "1.0.0", MIT, "registry+x"],
      ["tokio", "2.0.0", MIT, "registry+x"],
      ["native-tls", "1.0.0", MIT, "registry+x"],
      ["closed", "1.0.0", "Proprietary", "registry+x"],
      ["fork", "1.0.0", MIT, "git+x"],
      ["late", "1.0.0", MIT, "registry+x", "1.95.1"],
      ["off", "1.0.0", "Proprietary", "registry+x"],
    ].map(([name, version, license, source, rust_version = null]) => ({
      id: `${name} ${version}`,
      ...{ name, version, license, source, rust_version, dependencies: [] },
    })),
  ];
  const built = new Set(packages.filter(({ name }) => name !== "off").map(({ name, version }) => `${name} v${version}`));
  assert.deepEqual(dependencyProblems({ workspace_members: ["own"], packages }, built, toml), [
    "native-tls 1.0.0 is banned by deny.toml",
    "closed 1.0.0 has the licence Proprietary",
    "fork 1.0.0 comes from git+x, not from the registry",
    "late 1.0.0 needs Rust 1.95.1, later than rust-version in Cargo.toml",
    "tokio is there in the versions 1.0.0 and 2.0.0; deny.toml wants one",
    "own takes any version of tokio",
    "own depends on chrono, which deny.toml leaves to others",
    "own does not use its dependency left-over",
    "own does not use its dependency chrono",
  ]);
  rmSync(folder, { recursive: true });
});
