/** Runs the code of docs/existing-code.md, unchanged. */
import assert from "node:assert/strict";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";
import { projectRoot } from "../../packages/dev/postgres/binaries.ts";
import { testPlans } from "../support/plans.ts";
import { stackForFile } from "../support/stack.ts";

const page = await Deno.readTextFile(join(projectRoot, "docs", "existing-code.md"));
const snippets = [...page.matchAll(/```ts\n(.*?)```/gs)].map(([, code]) => code ?? "");

const theStack = stackForFile({
  profiles: fileURLToPath(new URL("../clients/support/profiles.ts", import.meta.url)),
  plans: { ...testPlans, "the front door": 'call open_door {"door":"The front door"}' },
});

/** The reader's own values, and where the code prints. */
interface Given {
  SUPABASE_URL: string;
  SUPABASE_SECRET_KEY: string;
  session: { access_token: string };
  userId: string;
  console: { log(line: unknown): void };
}

for (const [index, code] of snippets.entries()) {
  const name = code.match(/"(openai|ai|@openai\/agents|@langchain\/openai)"/g)?.join(", ");
  Deno.test(`snippet ${index + 1} (${name}) does what the page says`, async () => {
    const { stack, sql } = theStack();
    const user = await stack.createUser();
    const before = stack.mailbox.sent.length;
    const printed: string[] = [];
    await runSnippet(code, {
      SUPABASE_URL: stack.apiUrl,
      SUPABASE_SECRET_KEY: stack.secretKey,
      session: { access_token: user.token },
      userId: user.id,
      console: { log: (line) => printed.push(String(line)) },
    });
    assert.ok(printed.join("").length > 0, "it prints an answer");
    if (code.includes("open_door")) assert.match(printed.join(""), /is open/);
    const jobs = await sql`
      select from public.response_jobs_internal where owner_id = ${user.id}`;
    assert.ok(jobs.length > 0, "the jobs are the user's");
    const mails = code.includes("overdue invoice") ? 1 : 0;
    assert.equal(stack.mailbox.sent.length - before, mails);
  });
}

Deno.test("there is a snippet for each library, and a link to every part", () => {
  for (const library of ["openai", "ai", "@openai/agents", "@langchain/openai"]) {
    assert.ok(snippets.some((code) => code.includes(`from "${library}"`)), library);
  }
});

/** Runs it as a module of the project, so that it finds its packages. The reader's values are the module's first lines. */
async function runSnippet(code: string, given: Given): Promise<void> {
  const folder = join(projectRoot, ".local", "snippets");
  await Deno.mkdir(folder, { recursive: true });
  const file = await Deno.makeTempFile({ dir: folder, suffix: ".mjs" });
  const names = Object.keys(given).join(", ");
  const slot = `snippet-${crypto.randomUUID()}`;
  Object.defineProperty(globalThis, slot, { value: given, configurable: true });
  try {
    await Deno.writeTextFile(file, `const { ${names} } = globalThis["${slot}"];\n${code}`);
    await import(pathToFileURL(file).href);
  } finally {
    Reflect.deleteProperty(globalThis, slot);
    // The Agents SDK would end this process on an unhandled rejection. Here, it fails the test.
    process.removeAllListeners("unhandledRejection");
    await Deno.remove(file);
  }
}
