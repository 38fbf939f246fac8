import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { projectRoot } from "../../packages/dev/postgres/binaries.ts";
import {
  checkLock,
  demandingEntries,
  missingEntries,
  unhashedEntries,
} from "../../scripts/check/lock.ts";

const manifests = ["client", "cli", "console", "dev"].map((name) =>
  `packages/${name}/package.json`
);

Deno.test("the project's lock file holds the packages of every platform", async () => {
  assert.equal(await checkLock(false), undefined);
});

Deno.test("what is missing gets the version and the platform that its name says", () => {
  const packages = {
    "node_modules/cli": {
      dev: true,
      optionalDependencies: {
        "@x/cli-linux-x64": "1.2.3",
        "@x/cli-linux-arm64-musl": "1.2.3",
        "cli-windows-x64": "v2.0.0-1",
      },
    },
    "node_modules/@x/cli-linux-x64": {},
  };
  assert.deepEqual(missingEntries(packages), {
    "node_modules/@x/cli-linux-arm64-musl": {
      version: "1.2.3",
      dev: true,
      optional: true,
      cpu: ["arm64"],
      libc: ["musl"],
      os: ["linux"],
    },
    "node_modules/cli-windows-x64": {
      version: "2.0.0-1",
      dev: true,
      optional: true,
      cpu: ["x64"],
      os: ["win32"],
    },
  });
});

Deno.test("an entry without a hash is named, unless it is known to have none at this version", () => {
  const packages = {
    "": { version: "0.1.0" },
    "packages/ours": { version: "0.1.0" },
    "node_modules/ours": { link: true },
    "node_modules/hashed": { version: "1.0.0", integrity: "sha512-x" },
    "node_modules/bare": { version: "1.0.0" },
    "node_modules/a/node_modules/@x/known": { version: "1.0.0" },
  };
  const known = new Set(["@x/known@1.0.0"]);
  assert.deepEqual(unhashedEntries(packages, known), [
    { key: "node_modules/bare", spec: "bare@1.0.0" },
  ]);
  const newer = { "node_modules/@x/known": { version: "1.0.1" } };
  assert.equal(unhashedEntries(newer, known).length, 1);
});

Deno.test("a package that says which Node it wants is named, and one of ours is not", () => {
  const packages = {
    "packages/ours": { engines: { node: ">=20" } },
    "node_modules/quiet": { version: "1.0.0" },
    "node_modules/@x/wants": { version: "1.0.0", engines: { node: ">=22" } },
    "node_modules/old": { version: "1.0.0", engines: ["node >= 0.8"] },
  };
  assert.deepEqual(demandingEntries(packages), ["node_modules/@x/wants", "node_modules/old"]);
});

Deno.test("npm ci has nothing to warn of, on the Node that is here", async () => {
  const folder = await Deno.makeTempDir({ prefix: "npm-ci-" });
  try {
    for (const file of ["package.json", "package-lock.json", ...manifests]) {
      await Deno.mkdir(dirname(join(folder, file)), { recursive: true });
      await Deno.copyFile(join(projectRoot, file), join(folder, file));
    }
    const { success, stderr } = await new Deno.Command("npm", {
      args: ["ci", "--dry-run", "--ignore-scripts", "--no-audit", "--no-fund"],
      cwd: folder,
    }).output();
    assert.equal(new TextDecoder().decode(stderr), "");
    assert.ok(success);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
