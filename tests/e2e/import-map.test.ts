/**
 * The functions as they are deployed: their files unchanged, packages only by import_map.json. packages/dev/esm-sh stands in
 * for esm.sh, with the same paths. Deno caches what it fetches in the test's folder, and the functions have no node_modules.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { z } from "zod";
import { type EsmSh, startEsmSh } from "../../packages/dev/esm-sh/server.ts";
import { fastTimings } from "../../packages/dev/openai/mod.ts";
import { testPlans } from "../support/plans.ts";
import { projectRoot } from "../../packages/dev/postgres/binaries.ts";
import { type Stack, startStack } from "../../packages/dev/stack.ts";
import { eventually } from "../support/eventually.ts";
import { forFile } from "../support/for-file.ts";
import { isFinal, readAttempts, readJob } from "../support/jobs.ts";

const functionNames = ["respond", "openai-webhook", "run-jobs"];
const functionsDir = join(projectRoot, "supabase", "functions");
const importMapSchema = z.object({ imports: z.record(z.string(), z.string()) });
const query = "Find the latest email about the invoice and reply that it will be paid on Friday";

interface Remote {
  esmSh: EsmSh;
  imports: Record<string, string>;
  cache: string;
  /** How many requests deploying took. */
  deployed: number;
}

const theRemote = forFile(async (parts): Promise<Remote> => {
  const esmSh = startEsmSh();
  parts.defer(() => esmSh.stop());
  const cache = await Deno.makeTempDir({ prefix: "import-map-" });
  parts.defer(() => Deno.remove(cache, { recursive: true }));
  const text = await Deno.readTextFile(join(functionsDir, "import_map.json"));
  const imports = esmSh.redirected(importMapSchema.parse(JSON.parse(text)).imports);
  await deploy(esmSh, imports, cache);
  return { esmSh, imports, cache, deployed: esmSh.requests.length };
});

const theStack = forFile(async (parts) => {
  const { imports, cache } = theRemote();
  const stack = await startStack({
    durable: false,
    openaiTimings: fastTimings,
    plans: testPlans,
    packages: { imports, cache },
  });
  parts.defer(() => stack.stop());
  const sql = stack.database.connect("supabase_admin", "postgres", { max: 1 });
  parts.defer(() => sql.end());
  return { stack, sql, user: await stack.createUser() };
});

/** Fetches everything that the functions import, lazily too, as the platform does when they are deployed. */
async function deploy(esmSh: EsmSh, imports: Record<string, string>, cache: string) {
  const map = join(cache, "import_map.json");
  await Deno.writeTextFile(map, JSON.stringify({ imports }));
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "cache",
      "--no-config",
      "--no-lock",
      "--node-modules-dir=none",
      `--allow-import=${new URL(esmSh.url).host}`,
      `--import-map=${map}`,
      ...functionNames.map((name) => join(functionsDir, name, "index.ts")),
    ],
    env: { DENO_DIR: cache, NO_COLOR: "1" },
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
}

async function submit(stack: Stack, token: string, body: Record<string, unknown>) {
  const answer = await fetch(`${stack.functionsUrl}/respond`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  assert.equal(answer.status, 202, text);
  return z.object({ id: z.uuid() }).parse(JSON.parse(text)).id;
}

Deno.test("every package comes in the version of the import map; one that nobody uses may be newer", () => {
  const { esmSh } = theRemote();
  // supabase-js's Storage requests it by a range. Our code does not use it.
  assert.deepEqual([...esmSh.floating], ["iceberg-js"]);
});

Deno.test("nothing of a package is loaded but what the functions name, or what that brings along", () => {
  const { esmSh } = theRemote();
  const packages = esmSh.requests.flatMap((path) =>
    /^\/((?:@[^/]+\/)?[^/@]+)@/.exec(decodeURIComponent(path))?.[1] ?? []
  );
  const others = [...new Set(packages)].filter((name) => !name.startsWith("@supabase/")).sort();
  assert.deepEqual(others, [
    "@modelcontextprotocol/sdk",
    "content-type",
    "deno-std",
    "eventsource-parser",
    "iceberg-js",
    "openai",
    "pkce-challenge",
    "tslib",
    "zod",
  ]);
  // The SDK's client has every resource of the API: 40 ms of a cold start.
  assert.ok(
    !esmSh.requests.some((path) => /openai@[^/]+\/(?:.*\/)?(?:openai|client)\.mjs/.test(path)),
  );
});

Deno.test("the main job: background fails at OpenAI, a worker finishes it, one email is sent", async () => {
  const { stack, sql, user } = theStack();
  const id = await submit(stack, user.token, { profile: "mail", query });
  const job = await eventually(`the end of job ${id}`, () => readJob(sql, id), isFinal);
  assert.equal(job.status, "completed", job.error_message ?? "");
  assert.equal(job.owner_id, user.id);
  const attempts = await readAttempts(sql, id);
  assert.deepEqual(attempts.map(({ mode, outcome }) => `${mode} ${outcome}`), [
    "background failed",
    "synchronous completed",
  ]);
  assert.equal(stack.mailbox.sent.length, 1);
});

Deno.test("an answer by a profile's schema: zod of the profile, of the product and of openai are one", async () => {
  const { stack, sql, user } = theStack();
  const id = await submit(stack, user.token, { profile: "triage", query: "My invoice is wrong" });
  const job = await eventually(`the end of job ${id}`, () => readJob(sql, id), isFinal);
  assert.equal(job.status, "completed", job.error_message ?? "");
  z.object({ topic: z.string(), urgent: z.boolean() }).parse(job.output_parsed);
});

Deno.test("all three functions ran: OpenAI's webhook was taken, the worker was woken", () => {
  const { stack } = theStack();
  const used = new Set(stack.edge.workers().map((worker) => worker.function));
  assert.deepEqual([...used].sort(), [...functionNames].sort());
});

Deno.test("a legacy token, a bad one and /respond/v1 answer as they do from node_modules", async () => {
  const { stack, user } = theStack();
  const ask = (token: string) =>
    fetch(`${stack.functionsUrl}/respond/v1/models`, {
      headers: { authorization: `Bearer ${token}` },
    });
  for (const [token, status] of [[user.legacyToken, 200], ["abc", 401]] as const) {
    const answer = await ask(token);
    assert.equal(answer.status, status, await answer.text());
  }
});

Deno.test("nothing was fetched since the functions were deployed", () => {
  const { esmSh, deployed } = theRemote();
  assert.deepEqual(esmSh.requests.slice(deployed), []);
});

Deno.test("a server that the worker calls: the MCP SDK as esm.sh builds it", async () => {
  const { imports, cache, esmSh, deployed } = theRemote();
  const stack = await startStack({
    durable: false,
    openaiTimings: fastTimings,
    plans: testPlans,
    packages: { imports, cache },
    profiles: join(projectRoot, "tests", "tools", "support", "mcp-profiles.ts"),
  });
  const sql = stack.database.connect("supabase_admin", "postgres", { max: 1 });
  try {
    const { token } = await stack.createUser();
    const id = await submit(stack, token, { profile: "direct", query });
    const job = await eventually(`the end of job ${id}`, () => readJob(sql, id), isFinal);
    assert.equal(job.status, "completed", job.error_message ?? "");
    assert.equal(stack.mailbox.sent.length, 1);
    assert.deepEqual(esmSh.requests.slice(deployed), []);
  } finally {
    await sql.end();
    await stack.stop();
  }
});
