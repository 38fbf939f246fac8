import assert from "node:assert/strict";
import { checkManifests, wrongVersions } from "../../scripts/check/manifests.ts";

Deno.test("the manifests of this repository pass", async () => {
  assert.equal(await checkManifests(), undefined);
});

Deno.test("a range is found, but not among peer dependencies", () => {
  const asked = { dependencies: { zod: "^4.6.7" }, peerDependencies: { react: ">=18" } };
  assert.deepEqual(wrongVersions("package.json", asked, asked), [
    "package.json: 'zod' must have an exact version, not '^4.6.7'",
  ]);
});

Deno.test("a version that the lock file does not have is found, and one that only it has", () => {
  const wrong = wrongVersions(
    "packages/cli/package.json",
    { dependencies: { zod: "4.6.7" } },
    { dependencies: { zod: "4.6.6" }, devDependencies: { vite: "1.0.0" } },
  );
  assert.equal(wrong.length, 2);
  assert.match(
    wrong[0] ?? "",
    /package-lock\.json has 'zod' as 4\.6\.6, not 4\.6\.7; run 'npm inst/,
  );
  assert.match(wrong[1] ?? "", /has 'vite' as 1\.0\.0, not nothing/);
});
