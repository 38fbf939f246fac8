import assert from "node:assert/strict";
import { checkLock, missingEntries } from "../../scripts/check/lock.ts";

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
