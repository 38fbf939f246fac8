/** A module that cannot be loaded says nothing about a token or a profile. It is our failure, and may be temporary. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findDeno } from "../../packages/dev/postgres/binaries.ts";
import { runProcess } from "../../packages/dev/processes.ts";
import { supabase } from "../../supabase/functions/_durable_responses/platform/supabase.ts";
import { authForFile } from "./http/support/auth.ts";

const theAuth = authForFile();
const root = fileURLToPath(new URL("../../", import.meta.url));
const product = new URL("../../supabase/functions/_durable_responses/", import.meta.url).href;

const tellFailure = `.catch(({ code, status, message }) => ({ code, status, message }))`;

const asksWho = `
import { identifyCaller } from "${product}api/http/identify-caller.ts";
const headers = { authorization: "Bearer " + Deno.args[0] };
const answer = await identifyCaller(new Request("http://localhost", { headers }))${tellFailure};
console.log(JSON.stringify(answer));
`;

const plans = `
import * as z from "${product}model/zod.ts";
import { planFor, planOrFailure } from "${product}profiles/plan.ts";
const profiles = { p: { model: "m", output: z.object({ found: z.boolean() }) } };
const ask = { profile: "p", input: "Hi", request: null };
const asked = await planFor(profiles, ask)${tellFailure};
const accepted = await planOrFailure(profiles, ask)${tellFailure};
console.log(JSON.stringify([asked, accepted]));
`;

/** What a program prints, in a process that looks for a module where there is none. */
async function printedWithout(module: string, program: string, args: string[] = []) {
  const folder = await Deno.makeTempDir({ prefix: "unloadable-" });
  try {
    const map = join(folder, "map.json");
    const imports = { [module]: join(folder, "none.mjs") };
    await Deno.writeTextFile(map, JSON.stringify({ imports }));
    await Deno.writeTextFile(join(folder, "program.ts"), program);
    const { stdout } = await runProcess({
      name: "program",
      command: findDeno(),
      args: [
        "run",
        "--quiet",
        "--no-check",
        "-A",
        `--import-map=${map}`,
        join(folder, "program.ts"),
        ...args,
      ],
      cwd: root,
      env: Deno.env.toObject(),
    });
    return JSON.parse(stdout);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("without supabase-js a token is neither good nor bad: 503", async () => {
  const token = await theAuth().known.sign();
  const { code, status, message } = await printedWithout("@supabase/supabase-js", asksWho, [token]);
  assert.deepEqual([code, status], ["database_unavailable", 503]);
  assert.match(message, /^Cannot load supabase-js/);
});

Deno.test("without the helper for schemas a profile is neither right nor wrong, and no job fails for it", async () => {
  for (const { code, status, message } of await printedWithout("openai/helpers/zod", plans)) {
    assert.deepEqual([code, status], ["internal_error", 500]);
    assert.match(message, /^Cannot load openai\/helpers\/zod/);
  }
});

Deno.test("a client that could not be made is made by who comes next", async () => {
  const { url } = theAuth();
  Deno.env.delete("SUPABASE_URL");
  try {
    await assert.rejects(supabase(), { code: "not_configured" });
  } finally {
    Deno.env.set("SUPABASE_URL", url);
  }
  assert.ok((await supabase()).auth);
});
