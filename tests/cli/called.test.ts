/** Hints name the program as it was started, because `npx durable-responses` does not exist before it is published. */
import assert from "node:assert/strict";
import { docsFolder } from "../../packages/cli/src/project/release.ts";
import { asCalled, shownPath } from "../../packages/cli/src/terminal/called.ts";

const hint = "npx durable-responses connect, then npx durable-responses@latest init";

Deno.test("installed, it is npx's", () => {
  assert.equal(asCalled(hint, "/p/node_modules/durable-responses/dist/main.js"), hint);
});

Deno.test("built from the repository, it is the file that was run", () => {
  assert.equal(
    asCalled(hint, "/repository/packages/cli/dist/main.js"),
    "node /repository/packages/cli/dist/main.js connect, then node /repository/packages/cli/dist/main.js init",
  );
  assert.match(asCalled(hint, "/my folder/dist/main.js"), /^node "\/my folder\/dist\/main\.js" /);
});

Deno.test("the name by itself stays", () => {
  assert.equal(asCalled("npx durable-responses", "/x/main.js"), "node /x/main.js");
  assert.equal(asCalled("durable-responses-client", "/x/main.js"), "durable-responses-client");
});

Deno.test("a page of the documentation is named where the package has it", () => {
  const hint = "See profiles.md#budgets in the package's docs, and my/docs/a.md";
  const shown = asCalled(hint, "/p/node_modules/durable-responses/dist/main.js");
  const folder = shownPath(Deno.cwd(), docsFolder());
  assert.equal(
    shown,
    `See ${folder}/profiles.md#budgets, and my/docs/a.md`,
  );
});
