/** What `dev` reads of a project besides its code: config.toml and the files of secrets. */
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { keptOutText } from "../../packages/dev/dev/kept-out.ts";
import { standInSecrets } from "../../packages/dev/dev/openai-only.ts";
import { projectSecrets } from "../../packages/dev/dev/project-secrets.ts";
import { starterSecrets } from "../../packages/cli/src/init/starters.ts";
import { readFunctionSettings } from "../../packages/dev/gateway/function-settings.ts";
import { createKeys } from "../../packages/dev/auth/keys.ts";
import { functionEnvironment } from "../../packages/dev/stack/environment.ts";
import { createSecrets } from "../../packages/dev/stack/secrets.ts";

/** A project with these files in `supabase/`. */
async function withFiles(
  files: Record<string, string>,
  use: (project: string) => void | Promise<void>,
): Promise<void> {
  const project = await Deno.makeTempDir({ prefix: "project-files-" });
  try {
    await Deno.mkdir(join(project, "supabase", "functions"), { recursive: true });
    for (const [path, text] of Object.entries(files)) {
      await Deno.mkdir(dirname(join(project, "supabase", path)), { recursive: true });
      await Deno.writeTextFile(join(project, "supabase", path), text);
    }
    await use(project);
  } finally {
    await Deno.remove(project, { recursive: true });
  }
}

const unreadable: Record<string, [files: Record<string, string>, said: RegExp]> = {
  "with a syntax error": [
    { "config.toml": "[api]\nport = 54321\n[[\n" },
    /^Cannot read supabase\/config\.toml: .*line 3.*\. Fix that place in the file, then start again$/s,
  ],
  "with a value of another type": [
    { "config.toml": '[functions.respond]\nverify_jwt = "no"\n' },
    /^Cannot read supabase\/config\.toml: .*expected boolean.*functions\.respond\.verify_jwt/s,
  ],
  "that is missing": [
    {},
    /^Cannot read supabase\/config\.toml: it does not exist\. Run npx supabase init/,
  ],
};

for (const [what, [files, said]] of Object.entries(unreadable)) {
  Deno.test(`a config.toml ${what} is named, with what to do`, () =>
    withFiles(files, async (project) => {
      await assert.rejects(readFunctionSettings(project), { message: said });
    }));
}

Deno.test("functions whose callers the gateway keeps out are named, by the name that the project gave them", () => {
  const open = (name: string) => `[functions.${name}]\nverify_jwt = false\n`;
  const functions = ["ask", "openai-webhook", "run-jobs", "hello"];
  return withFiles({
    ...Object.fromEntries(functions.map((name) => [`functions/${name}/index.ts`, ""])),
    "config.toml": `${open("run-jobs")}[functions.ask]\nverify_jwt = true\n`,
  }, async (project) => {
    assert.match(
      await keptOutText(project, "ask") ?? "",
      /at ask, openai-webhook: set verify_jwt = false for each in supabase\/config\.toml/,
    );
    const config = functions.slice(0, 3).map(open).join("");
    await Deno.writeTextFile(join(project, "supabase", "config.toml"), config);
    assert.equal(await keptOutText(project, "ask"), undefined);
    // Of a project without the product, nothing is asked.
    assert.equal(await keptOutText(project, "respond"), undefined);
  });
});

Deno.test("a secret in the second file wins, unless it is only to be filled in there", () =>
  withFiles({
    "functions/.env": "MAIL_TOKEN=one\nMAIL_URL=https://one.example\nSUPABASE_URL=mine\n",
    ".env.durable-responses.local": "MAIL_TOKEN=\nMAIL_URL=https://two.example\nOPENAI_API_KEY=\n",
  }, (project) => {
    assert.deepEqual(projectSecrets(project), {
      MAIL_TOKEN: "one",
      MAIL_URL: "https://two.example",
    });
  }));

Deno.test("the stand-in keeps the key that is pasted into functions/.env, whatever init's file has", () =>
  withFiles({
    "functions/.env": "OPENAI_API_KEY=sk-local-1\nOPENAI_WEBHOOK_SECRET=whsec_bG9jYWw=\n",
    ".env.durable-responses.local": "OPENAI_API_KEY=\nOPENAI_WEBHOOK_SECRET=\n",
  }, (project) => {
    const pasted = { apiKey: "sk-local-1", webhookSecret: "whsec_bG9jYWw=" };
    assert.deepEqual(standInSecrets(project), pasted);
    assert.deepEqual(standInSecrets(project), pasted);
  }));

Deno.test("the stand-in neither takes nor prints what belongs to the real OpenAI", () =>
  withFiles({
    ".env.durable-responses.local": "OPENAI_API_KEY=sk-real\nOPENAI_WEBHOOK_SECRET=whsec_real\n",
  }, (project) => {
    const { apiKey, webhookSecret } = standInSecrets(project);
    assert.match(apiKey, /^sk-local-\w+$/);
    assert.match(webhookSecret, /^whsec_(?!real)/);
  }));

Deno.test("the profile that init --server mailbox writes finds the mailbox of dev", async () => {
  const env = functionEnvironment({
    apiUrl: "http://127.0.0.1:1",
    dbUrl: "postgres://127.0.0.1:1",
    keys: await createKeys(),
    secrets: createSecrets(),
    openai: { apiKey: "sk-local-1" },
    mailboxUrl: "http://127.0.0.1:2/mcp",
    everythingUrl: "http://127.0.0.1:3/mcp",
    wallClockMs: 150_000,
  });
  const names = starterSecrets({ kind: "mcp", model: "gpt-6-luna", server: "mailbox" });
  assert.deepEqual(names.filter((name) => !env[name]), []);
  assert.ok(names.length >= 2, names.join(", "));
});
