/** The stand-in for esm.sh: its paths, which file of a package each means, and what it refuses. */
import assert from "node:assert/strict";
import { parseAddress } from "../../packages/dev/esm-sh/address.ts";
import { resolveFile } from "../../packages/dev/esm-sh/entry.ts";
import { readPackage } from "../../packages/dev/esm-sh/package.ts";
import { startEsmSh } from "../../packages/dev/esm-sh/server.ts";
import { forFile } from "../support/for-file.ts";

const theServer = forFile((parts) => {
  const server = startEsmSh();
  parts.defer(() => server.stop());
  return Promise.resolve(server);
});

async function get(path: string, headers: Record<string, string> = {}) {
  const answer = await fetch(theServer().url + path, { redirect: "manual", headers });
  return { status: answer.status, text: await answer.text(), to: answer.headers.get("location") };
}

for (
  const [name, subPath, file] of [
    ["zod", "", "./index.js"],
    ["zod", "v4/core", "./v4/core/index.js"],
    ["zod", "v4/core/util", "./v4/core/util.js"],
    ["zod", "v4/locales/en", "./v4/locales/en.js"],
    ["openai", "", "./index.mjs"],
    ["openai", "helpers/zod", "./helpers/zod.mjs"],
    ["openai", "core/error", "./core/error.mjs"],
    ["deno-std", "crypto/timing_safe_equal", "./crypto/timing_safe_equal.js"],
    ["@supabase/supabase-js", "", "./dist/index.mjs"],
    ["@supabase/auth-js", "", "./dist/module/index.js"],
    ["tslib", "", "./tslib.es6.mjs"],
    ["@modelcontextprotocol/sdk", "client/streamableHttp", "./dist/esm/client/streamableHttp.js"],
  ] as const
) {
  Deno.test(`${name}/${subPath} is ${file}`, async () => {
    const pkg = await readPackage(name);
    assert.ok(pkg);
    assert.equal(resolveFile(pkg, subPath), file);
  });
}

for (
  const [path, address] of [
    ["/zod@4.6.7", { name: "zod", subPath: "", isBuild: false }],
    ["/zod@4.6.7/v4/locales/en.js", { subPath: "v4/locales/en", isBuild: false }],
    ["/@a/b@1.2.3/denonext/b.mjs", { name: "@a/b", subPath: "", isBuild: true }],
    ["/b@1.2.3/denonext/__b.mjs", { subPath: "b", isBuild: true }],
    ["/b@1.2.3&deps=zod@4.6.7/c/d", { subPath: "c/d", deps: { zod: "4.6.7" } }],
    ["/b@1.2.3?deps=zod@4.6.7", { subPath: "", deps: { zod: "4.6.7" } }],
    ["/b@%5E1.2.3/c?target=denonext", { version: "^1.2.3", subPath: "c", isExact: false }],
  ] as const
) {
  Deno.test(`${path} is read`, () => {
    assert.partialDeepStrictEqual(parseAddress(new URL(path, "https://esm.sh")), address);
  });
}

Deno.test("an entry leads to its module, and begins that one's own imports", async () => {
  const { status, text } = await get("/openai@7.57.0&deps=zod@4.6.7/helpers/zod");
  assert.equal(status, 200);
  assert.match(text, /^import "\/zod@4\.6\.7\/denonext\/v4\.mjs";$/m);
  const [, path = ""] = /^export \* from "(.+)";$/m.exec(text) ?? [];
  assert.match(path, /^\/openai@7\.57\.0\/X-[\w-]+\/denonext\/helpers\/zod\.mjs$/);
  assert.match((await get(path)).text, /^\/\* esm\.sh - openai@7\.57\.0\/helpers\/zod \*\//);
});

Deno.test("without a version for it, a peer is whatever the registry has", async () => {
  const { text } = await get("/openai@7.57.0/helpers/zod");
  const [, path = ""] = /^import "(\/zod@[^"]+\/v4\?.+)";$/m.exec(text) ?? [];
  const { status, to } = await get(path);
  assert.equal(status, 302);
  assert.match(to ?? "", /^\/zod@4\.\d+\.\d+\/v4\?target=denonext$/);
  assert.ok(theServer().floating.has("zod"));
});

Deno.test("CommonJS that requires nothing of others is served by its default export, other CommonJS is refused", async () => {
  const { text } = await get("/content-type@1.0.5/denonext/content-type.mjs");
  const { default: contentType } = await import(
    `data:application/javascript,${encodeURIComponent(text)}`
  );
  assert.equal(contentType.parse("text/html; charset=utf-8").parameters.charset, "utf-8");
  assert.match((await get("/ajv@8.20.0")).text, /is required by CommonJS, which is not served/);
});

Deno.test("another version, an unknown package or file and another runtime are refused", async () => {
  assert.equal((await get("/zod@1.0.0")).status, 404);
  assert.equal((await get("/no-such-package@1.0.0")).status, 404);
  assert.equal((await get("/zod")).status, 404);
  assert.equal((await get("/zod@4.6.7/no/such/file")).status, 404);
  assert.equal((await get("/zod@4.6.7", { "user-agent": "Mozilla/5.0" })).status, 400);
});
