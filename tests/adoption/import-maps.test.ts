/**
 * A project whose own functions use other versions of our packages. With the import map that init writes, from esm.sh or npm,
 * the product's functions run with the product's versions, and the project's with its own.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { z } from "zod";
import { startEsmSh } from "../../packages/dev/esm-sh/server.ts";
import { fastTimings } from "../../packages/dev/openai/mod.ts";
import { type Stack, startStack } from "../../packages/dev/stack.ts";
import { packageForFile } from "../cli/support/package.ts";
import { type SupabaseProject, supabaseProject } from "../cli/support/supabase-project.ts";

const thePackage = packageForFile();
const mapSchema = z.object({
  imports: z.record(z.string(), z.string()),
  scopes: z.record(z.string(), z.record(z.string(), z.string())),
});

/** A version of zod that our files are not tested with, and a function that reports which one it got. */
const theirZod = "npm:zod@4.1.12";
const mine = `
  import { z } from "zod";
  Deno.serve(() => Response.json({ version: z.core.version }));
`;

/** In one of the two, the function is called `ask`. */
async function projectWith(
  from: "esm.sh" | "npm",
  functionName: string,
): Promise<SupabaseProject> {
  const project = await supabaseProject();
  await project.write("functions/mine/index.ts", mine);
  await project.write(
    "functions/import_map.json",
    JSON.stringify({ imports: { zod: theirZod, "zod/": "npm:/zod@4.1.12/" } }),
  );
  await project.write(
    "config.toml",
    `${await project.read("config.toml")}\n[functions.mine]\nverify_jwt = false\n`,
  );
  const { code, stderr } = await thePackage().run(
    [
      "init",
      "--yes",
      "--profile",
      "structured",
      "--imports",
      from,
      "--function-name",
      functionName,
    ],
    { cwd: project.folder },
  );
  assert.equal(code, 0, stderr);
  return project;
}

/** Runs the functions with the project's own import map, as when they are deployed. */
async function withDeployed(
  project: SupabaseProject,
  redirected: (entries: Record<string, string>) => Record<string, string>,
  run: (stack: Stack) => Promise<void>,
): Promise<void> {
  const text = await project.read("functions/import_map.json");
  const { imports, scopes } = mapSchema.parse(JSON.parse(text));
  const base = `${pathToFileURL(join(project.folder, "supabase", "functions")).href}/`;
  const cache = await Deno.makeTempDir({ prefix: "import-maps-" });
  const stack = await startStack({
    project: project.folder,
    durable: false,
    openaiTimings: fastTimings,
    // npm's registry may be behind a proxy whose certificate only this machine knows.
    env: { DENO_TLS_CA_STORE: "mozilla,system" },
    packages: {
      imports: redirected(imports),
      scopes: Object.fromEntries(
        Object.entries(scopes).map(([scope, entries]) => [
          new URL(scope, base).href,
          redirected(entries),
        ]),
      ),
      cache,
    },
  });
  try {
    await run(stack);
  } finally {
    await stack.stop();
    await Deno.remove(cache, { recursive: true });
  }
}

/** Includes an answer whose schema is made with the project's zod and checked with the product's. */
async function bothWork(stack: Stack, functionName: string): Promise<void> {
  const own = await fetch(`${stack.functionsUrl}/mine`);
  const { version } = await own.json();
  assert.deepEqual([version.major, version.minor, version.patch], [4, 1, 12]);
  const { token } = await stack.createUser();
  const ask = (body: unknown) =>
    fetch(`${stack.functionsUrl}/${functionName}`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  const job = await (await ask({ query: "My invoice is wrong", wait: 60 })).json();
  assert.equal(job.status, "completed", JSON.stringify(job));
  const accepted = await ask({ query: "[[plan: sleep 10s; text late]] Wait" });
  const { id } = await accepted.json();
  assert.equal(accepted.status, 202);
  assert.equal(accepted.headers.get("location"), `/functions/v1/${functionName}/${id}`);
  z.object({ topic: z.string(), urgent: z.boolean() }).parse(job.output_parsed);
}

Deno.test("from esm.sh, the default", async () => {
  const esmSh = startEsmSh();
  try {
    await using project = await projectWith("esm.sh", "respond");
    await withDeployed(project, esmSh.redirected, (stack) => bothWork(stack, "respond"));
    assert.ok(esmSh.requests.some((path) => path.includes("/zod@")));
  } finally {
    await esmSh.stop();
  }
});

Deno.test("from npm, with another name for respond", async () => {
  await using project = await projectWith("npm", "ask");
  await withDeployed(project, (entries) => entries, (stack) => bothWork(stack, "ask"));
});
