import assert from "node:assert/strict";
import { bareSpecifiers, checkImports, findWrongImports } from "../../scripts/check/imports.ts";

const dependencies = { openai: "7.57.0", zod: "4.6.7" };
const peers = { openai: ["zod"] };
const imports = {
  openai: "https://esm.sh/openai@7.57.0?deps=zod@4.6.7",
  "openai/": "https://esm.sh/openai@7.57.0&deps=zod@4.6.7/",
  zod: "https://esm.sh/zod@4.6.7",
};

Deno.test("the project's import map names the versions of package.json, and all that functions import", async () => {
  assert.equal(await checkImports(), undefined);
});

Deno.test("a map that agrees with package.json is fine", () => {
  const used = { "a.ts": ["openai", "openai/resources/responses", "zod"] };
  assert.deepEqual(findWrongImports({ dependencies, peers, imports, used }), []);
});

Deno.test("another version, another host, a missing slash and a peer that is not pinned are found", () => {
  for (
    const [key, url] of [
      ["zod", "https://esm.sh/zod@4.6.8"],
      ["zod", "https://cdn.example/zod@4.6.7"],
      ["openai/", "https://esm.sh/openai@7.57.0&deps=zod@4.6.7"],
      ["openai/", "https://esm.sh/openai@7.57.0/"],
      ["openai", "https://esm.sh/openai@7.57.0?deps=zod@4.6.6"],
    ] as const
  ) {
    const wrong = findWrongImports({
      dependencies,
      peers,
      imports: { ...imports, [key]: url },
      used: {},
    });
    assert.equal(wrong.length, 1);
    assert.match(wrong[0] ?? "", /must be 'https:\/\/esm\.sh\//);
  }
});

Deno.test("what is loaded with a package is pinned with it", () => {
  const facts = { dependencies, peers, loaded: { openai: ["tslib@2.8.1"] }, used: {} };
  const entry = { ...imports, openai: "https://esm.sh/openai@7.57.0?deps=tslib@2.8.1,zod@4.6.7" };
  const below = "https://esm.sh/openai@7.57.0&deps=tslib@2.8.1,zod@4.6.7/";
  assert.deepEqual(findWrongImports({ ...facts, imports: { ...entry, "openai/": below } }), []);
  assert.equal(findWrongImports({ ...facts, imports }).length, 2);
});

Deno.test("a range, an entry without a dependency and an import without an entry are found", () => {
  const wrong = findWrongImports({
    peers: {},
    dependencies: { ...dependencies, zod: "^4.6.7" },
    imports: { openai: "https://esm.sh/openai@7.57.0", hono: "https://esm.sh/hono@4.0.0" },
    used: { "a.ts": ["postgres"] },
  });
  assert.equal(wrong.length, 3);
});

Deno.test("imports of every form are seen; relative ones, node: and text that looks like one are not", () => {
  const source = `
    import OpenAI from "openai";
    import type { Response } from "openai/resources/responses";
    import {
      a,
      b,
    } from 'zod';
    import "side-effect";
    export { c } from "re-exported";
    const later = await import("dynamic");
    import { d } from "./own.ts";
    import process from "node:process";
    const text = "import x from nowhere";
    export const options = { from: "somebody", call: rename("other") };
  `;
  assert.deepEqual(bareSpecifiers(source).sort(), [
    "dynamic",
    "openai",
    "openai/resources/responses",
    "re-exported",
    "side-effect",
    "zod",
  ]);
});
