/** `check`: an adopter's profiles, loaded by Deno as their functions load them. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { startOpenAI } from "../../packages/dev/openai/mod.ts";
import { findDeno } from "../../packages/dev/postgres/binaries.ts";
import { sharedPackage } from "./support/package.ts";
import { type SupabaseProject, supabaseProject } from "./support/supabase-project.ts";

const thePackage = sharedPackage();
const profilesFile = "functions/_shared/profiles.ts";
const typesFile = "functions/_shared/profiles.gen.ts";
/** npm's registry may be behind a proxy whose certificate only this machine knows. */
const env = { DENO_TLS_CA_STORE: "mozilla,system" };

async function check(project: SupabaseProject, ...args: string[]) {
  return await thePackage().run(["check", "--deno", findDeno(), ...args], {
    cwd: project.folder,
    env,
  });
}

/** A profiles file with these fields, as an adopter writes it. */
const profilesOf = (fields: string) => `export const profiles = { default: { ${fields} } };\n`;

async function initialized(profiles?: string): Promise<SupabaseProject> {
  const project = await supabaseProject();
  const { code, stderr } = await thePackage().run(["init", "--yes"], { cwd: project.folder });
  assert.equal(code, 0, stderr);
  if (profiles !== undefined) await project.write(profilesFile, profiles);
  return project;
}

Deno.test("profiles that fit are said to, and their types are written for the frontend", async () => {
  await using project = await initialized(`
    import { z } from "zod";
    import { defineProfiles } from "../_durable_responses/mod.ts";
    export const profiles = defineProfiles({
      default: { model: "gpt-6-luna" },
      "sort-mail": {
        model: "gpt-6-luna",
        output: z.object({
          topic: z.enum(["billing", "sales"]).describe("What it is about"),
          people: z.array(z.object({ name: z.string(), "e-mail": z.string().nullable() })),
        }),
      },
    });
  `);
  const { code, stdout, stderr } = await check(project);
  assert.equal(code, 0, stderr + stdout);
  assert.match(
    stdout,
    /^ok +'default', 'sort-mail' in supabase\/functions\/_shared\/profiles\.ts/m,
  );
  assert.doesNotMatch(stdout, /None is called/);
  const types = await project.read(typesFile);
  assert.match(
    types,
    /default: \{ output\?: never \};\n {2}"sort-mail": \{ output: Schema<SortMailOutput> \};/,
  );
  assert.match(types, /\/\*\* What it is about \*\/\n {2}topic: "billing" \| "sales";/);
  assert.match(types, /"e-mail": string \| null;/);
  assert.doesNotMatch(types, /import/);
  // A second check has nothing to write.
  assert.doesNotMatch((await check(project)).stdout, /Types for the frontend/);
  const elsewhere = await check(project, "--types", "web/profiles.gen.ts");
  assert.match(elsewhere.stdout, /^Types for the frontend: web\/profiles\.gen\.ts$/m);
});

Deno.test("types are not written through a link that came with the project", async () => {
  await using project = await initialized(profilesOf('model: "gpt-6-luna"'));
  const home = await Deno.makeTempDir();
  try {
    const link = join(project.folder, "supabase", typesFile);
    if (await project.exists(typesFile)) await Deno.remove(link);
    await Deno.symlink(join(home, ".bash_profile"), link);
    const { code, stdout, stderr } = await check(project);
    assert.equal(code, 0, stderr + stdout);
    assert.deepEqual(await Array.fromAsync(Deno.readDir(home)), []);
    assert.match(await project.read(typesFile), /^\/\/ Made by npx durable-responses check/);
    assert.ok((await Deno.lstat(link)).isFile);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});

Deno.test("every mistake is told with its profile and what to do, and exit code 1", async () => {
  await using project = await initialized(`
    import { z } from "zod";
    import { secret } from "../_durable_responses/mod.ts";
    export const profiles = {
      typo: { model: "gpt-6-luna", instruction: "Be brief" },
      shape: { model: "gpt-6-luna", output: z.object({ note: z.string().optional() }) },
      call: { model: "gpt-6-luna", tools: [{ type: "function", name: "look" }] },
      mail: {
        model: "gpt-6-luna",
        tools: [{ type: "mcp", server_label: "mail", server_url: secret("MAIL_URL") }],
      },
    };
  `);
  const { code, stdout } = await check(project);
  assert.equal(code, 1);
  assert.match(stdout, /^wrong +typo: .*'instruction'\n +→ Did you mean 'instructions'\?$/m);
  assert.match(stdout, /^wrong +shape: .*'output\.note'/m);
  assert.match(stdout, /^wrong +call: Nothing runs the function tool 'look'/m);
  assert.match(stdout, /^warn +mail: The secret MAIL_URL is not set here\n +→ .*secrets set/m);
  assert.equal(await project.exists(typesFile), false);
  await project.write(".env.durable-responses.local", "MAIL_URL=https://mail.example/mcp\n");
  const { findings } = JSON.parse((await check(project, "--json")).stdout);
  assert.deepEqual(findings.map(({ profile }: { profile: string }) => profile), [
    "typo",
    "shape",
    "call",
  ]);
});

Deno.test("with --strict a warning fails, and the same project passes when its secret is set", async () => {
  await using project = await initialized(`
    import { secret } from "../_durable_responses/mod.ts";
    export const profiles = {
      mail: {
        model: "gpt-6-luna",
        tools: [{ type: "mcp", server_label: "mail", server_url: secret("MAIL_URL") }],
      },
    };
  `);
  assert.equal((await check(project)).code, 0);
  const strict = await check(project, "--strict");
  assert.equal(strict.code, 1);
  assert.match(strict.stdout, /^warn +mail: The secret MAIL_URL is not set here$/m);
  assert.match(strict.stdout, /^1 warning fails with --strict$/m);
  assert.match(
    strict.stdout,
    /^ok .*\n +None is called 'default', so each request must name its `profile`$/m,
  );
  const json = await check(project, "--strict", "--json");
  assert.deepEqual([json.code, JSON.parse(json.stdout).ok], [1, false]);
  await project.write(".env.durable-responses.local", "MAIL_URL=https://mail.example/mcp\n");
  const { code, stdout } = await check(project, "--strict");
  assert.equal(code, 0, stdout);
});

/** Where Deno, or the file itself, gives up, and what the check says of it: the adopter's file, line and column. */
const unloadable: Record<string, { profiles: string; other?: string; said: RegExp }> = {
  "a comma is missing": {
    profiles:
      `export const profiles = {\n  default: {\n    model: "m"\n    background: false,\n  },\n};\n`,
    said:
      /cannot be loaded: SyntaxError: Expected ',', got 'background', at supabase\/functions\/_shared\/profiles\.ts:4:5\n/,
  },
  "a file that it imports does not parse": {
    profiles:
      `import { model } from "./model.ts";\nexport const profiles = { default: { model } };\n`,
    other: `\nexport const model = "m;\n`,
    said: /Unterminated string constant, at supabase\/functions\/_shared\/model\.ts:2:22\n/,
  },
  "it throws": {
    profiles:
      `import { model } from "./model.ts";\nexport const profiles = { default: { model: model() } };\n`,
    other: `export function model(): string {\n  throw new RangeError("none is free");\n}\n`,
    said: /: RangeError: none is free, at supabase\/functions\/_shared\/model\.ts:2:9\n/,
  },
  "what it calls wrongly throws": {
    profiles:
      `import { secret } from "../_durable_responses/mod.ts";\nexport const profiles = {\n  default: { model: secret("not a name") },\n};\n`,
    said:
      /: TypeError: Cannot refer to a secret as 'not a name': .*, at supabase\/functions\/_shared\/profiles\.ts:3:21\n/,
  },
  "a file is missing": {
    profiles:
      `import { model } from "./modle.ts";\nexport const profiles = { default: { model } };\n`,
    said:
      /Module not found "supabase\/functions\/_shared\/modle\.ts", at supabase\/functions\/_shared\/profiles\.ts:1:23\n/,
  },
  "a package is not in the import map": {
    profiles: `import "left-pad";\nexport const profiles = { default: { model: "m" } };\n`,
    said:
      /"left-pad" not .*, at supabase\/functions\/_shared\/profiles\.ts:1:8\n.*import_map\.json/,
  },
};

Deno.test("profiles that cannot be loaded are told with the place in the adopter's own file", async () => {
  await using project = await initialized();
  for (const [what, { profiles, other, said }] of Object.entries(unloadable)) {
    await project.write(profilesFile, profiles);
    if (other !== undefined) await project.write("functions/_shared/model.ts", other);
    const { code, stdout } = await check(project);
    assert.equal(code, 1, what);
    assert.match(stdout, said, what);
    // deno-lint-ignore no-control-regex
    assert.doesNotMatch(stdout, /\u001b|file:/, what);
  }
});

Deno.test("profiles that never finish loading, or end the process, are told in our words", async () => {
  await using project = await initialized("await new Promise(() => {});\n");
  assert.match(
    (await check(project)).stderr,
    /awaits something that never comes\n.*Move the await/,
  );
  await project.write(profilesFile, "Deno.exit(3);\n");
  assert.match((await check(project)).stderr, /Deno ended with code 3 before the check did\n/);
});

Deno.test("a timer in profiles.ts does not keep the check; an SQL tool without a name is told as that", async () => {
  await using project = await initialized(
    `import { sqlTool } from "../_durable_responses/mod.ts";\n` +
      `import { z } from "zod";\nsetInterval(() => {}, 1000);\n` +
      profilesOf(
        `model: "gpt-6.1-sol", tools: [sqlTool({ function: "public.f", description: "d", inputSchema: z.object({}), effect: "none" })]`,
      ),
  );
  const { code, stdout, stderr } = await check(project);
  assert.equal(code, 1, stderr);
  assert.match(stdout, /tools\[0\].*a function needs a name/);
});

Deno.test("profiles that cannot be loaded say why, and a types file of somebody else is left", async () => {
  await using project = await initialized(`
    import { secret } from "../_durable_responses/mod.ts";
    export const profiles = { default: { model: "gpt-6-luna", instructions: secret("not a name") } };
  `);
  const { code, stdout } = await check(project);
  assert.equal(code, 1);
  assert.match(stdout, /cannot be loaded: TypeError: Cannot refer to a secret as 'not a name'/);
  await project.write(profilesFile, profilesOf(`model: "gpt-6-luna"`));
  await project.write(typesFile, "// mine\n");
  const refused = await check(project);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /check did not create this file/);
});

Deno.test("a model that is to be shut down is told, with the key in the project's secrets file", async () => {
  const apiKey = "sk-local-check-test";
  const openai = await startOpenAI({ apiKey, webhookSecret: `whsec_${btoa("of the check test")}` });
  try {
    await using project = await initialized(profilesOf(`model: "gpt-5"`));
    await project.write(
      ".env.durable-responses.local",
      `OPENAI_API_KEY=${apiKey}\nOPENAI_BASE_URL=${openai.url}\n`,
    );
    const { code, stdout } = await check(project);
    assert.match(stdout, /^warn +models: 'gpt-5' (?:shuts|was shut) down on 2026-12-11\n +→ /m);
    assert.equal(code, 0);
    assert.equal((await check(project, "--strict")).code, 1);
  } finally {
    await openai.stop();
  }
});

Deno.test("the project's own packages count for its profiles: a zod of version 3 is told", async () => {
  await using project = await supabaseProject();
  await thePackage().run(["init", "--yes"], { cwd: project.folder });
  const map = JSON.parse(await project.read("functions/import_map.json"));
  map.imports.zod = "npm:zod@3.24.4";
  await project.write("functions/import_map.json", JSON.stringify(map));
  await project.write(
    profilesFile,
    `import { z } from "zod";\n${
      profilesOf(`model: "gpt-6.1-sol", output: z.object({ total: z.number() })`)
    }`,
  );
  const { code, stdout, stderr } = await check(project);
  assert.equal(code, 1, stderr);
  assert.match(
    stdout,
    /^wrong +default: 'output' is not a zod 4 schema\n +→ It is one of zod 3\. /m,
  );
  await project.write(
    profilesFile,
    `import { z } from "zod";\nimport { tool } from "../_durable_responses/mod.ts";\n${
      profilesOf(
        `model: "gpt-6.1-sol", tools: [tool({ name: "a", description: "b", inputSchema: z.object({}), effect: "none", execute: () => 1 })]`,
      )
    }`,
  );
  assert.match(
    (await check(project)).stdout,
    /'tools\[0\]'.* its inputSchema is not a zod 4 schema\n +→ It is one of zod 3\. /,
  );
});

Deno.test("init checks at its end where the machine has a Deno, and says how where it has none", async () => {
  await using project = await supabaseProject();
  const deno = await Deno.makeTempDir({ prefix: "with-deno-" });
  await Deno.symlink(findDeno(), `${deno}/deno`);
  const path = `${deno}:${Deno.env.get("PATH")}`;
  const init = (more: Record<string, string>) =>
    thePackage().run(["init", "--yes", "--profile", "mcp", "--server", "mail"], {
      cwd: project.folder,
      env: { ...env, ...more },
    });
  const { stdout } = await init({ PATH: path });
  assert.match(stdout, /^warn +default: The secret MAIL_MCP_URL is not set here$/m);
  assert.doesNotMatch(stdout, /Check the profiles/);
  assert.match(await project.read(typesFile), /export interface Profiles/);
  await Deno.remove(deno, { recursive: true });
  await using other = await supabaseProject();
  const without = await thePackage().run(["init", "--yes"], { cwd: other.folder });
  assert.match(without.stdout, /1\. Check the profiles:\n +npx durable-responses check/);
  assert.equal(
    without.stderr,
    "The profiles are not checked (there is no Deno on this machine). Check them: npx durable-responses check\n",
  );
});

Deno.test("a Deno that does not end is stopped, and init's work is done all the same", async () => {
  await using project = await supabaseProject();
  const folder = await Deno.makeTempDir({ prefix: "slow-deno-" });
  const script = `#!/bin/sh\nif [ "$1" = eval ]; then echo "$0"; else kill -TERM $$; fi\n`;
  await Deno.writeTextFile(`${folder}/deno`, script, { mode: 0o755 });
  const { code, stdout, stderr } = await thePackage().run(["init", "--yes"], {
    cwd: project.folder,
    env: { PATH: `${folder}:${Deno.env.get("PATH")}` },
  });
  await Deno.remove(folder, { recursive: true });
  assert.equal(code, 0, stderr);
  assert.match(stderr, /Cannot check the profiles: Deno was stopped \(SIGTERM\)/);
  assert.match(stdout, /1\. Check the profiles:/);
  assert.ok(await project.exists("functions/respond/index.ts"));
});
