import assert from "node:assert/strict";
import { checkLayers, findWrongLayers, relativeSpecifiers } from "../../scripts/check/layers.ts";

Deno.test("the product's own folders are in order", async () => {
  assert.equal(await checkLayers(), undefined);
});

Deno.test("imports from the same folder and from those before it are fine", () => {
  assert.deepEqual(
    findWrongLayers({
      "mod.ts": ["./profiles/profile.ts"],
      "model/zod.ts": [],
      "model/rows.ts": ["./zod.ts"],
      "profiles/profile.ts": ["../model/zod.ts"],
      "api/http/body.ts": ["../../model/zod.ts"],
      "api/openai/api.ts": ["../http/body.ts"],
      "api/native/respond.ts": ["../openai/api.ts", "../http/body.ts"],
    }),
    [],
  );
});

Deno.test("an import from a later folder is named with its file", () => {
  const wrong = findWrongLayers({
    "run/attempt.ts": ["../worker/worker.ts"],
    "api/openai/api.ts": ["../native/respond.ts"],
    "worker/worker.ts": [],
    "api/native/respond.ts": [],
  });
  assert.deepEqual(wrong, [
    "run/attempt.ts: '../worker/worker.ts': worker comes after run",
    "api/openai/api.ts: '../native/respond.ts': api/native comes after api/openai",
  ]);
});

Deno.test("what calls OpenAI does not read the database, though that comes before it", () => {
  const wrong = findWrongLayers({ "openai/call.ts": ["../db/client.ts"], "db/client.ts": [] });
  assert.deepEqual(wrong, ["openai/call.ts: '../db/client.ts': openai must not import db"]);
});

Deno.test("an import from outside of the product, and one of its entry, are found", () => {
  const wrong = findWrongLayers({
    "mod.ts": [],
    "profiles/resolve.ts": ["../../_shared/profiles.ts", "/etc/profiles.ts", "../mod.ts"],
  });
  assert.equal(wrong.length, 3);
  assert.match(
    wrong[0] ?? "",
    /^profiles\/resolve\.ts: '\.\.\/\.\.\/_shared\/profiles\.ts' lies out/,
  );
  assert.match(wrong[1] ?? "", /'\/etc\/profiles\.ts' lies outside/);
  assert.match(wrong[2] ?? "", /'\.\.\/mod\.ts' stands above/);
});

Deno.test("a file in no folder of the order is found", () => {
  const wrong = findWrongLayers({ "helpers.ts": [], "api/answer.ts": [] });
  assert.equal(wrong.length, 2);
  assert.match(wrong[0] ?? "", /^helpers\.ts: it must be in one of model, platform, /);
});

Deno.test("imports by a path are found in every form", () => {
  const source = `
// @ts-types="./types.d.ts"
import { x } from "package/x.js";
import type { A } from "./a.ts";
import {
  b,
} from "../b.ts";
export * from "./c.ts";
import "./d.ts";
const { e } = await import("./e.ts");
type F = import("./f.ts").F;
`;
  assert.deepEqual(relativeSpecifiers(source), [
    "./a.ts",
    "../b.ts",
    "./c.ts",
    "./d.ts",
    "./e.ts",
    "./f.ts",
    "./types.d.ts",
  ]);
});
