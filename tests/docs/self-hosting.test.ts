/** The snippets of docs/self-hosting.md, as far as they can be checked without Docker. */
import assert from "node:assert/strict";
import { parse } from "deno-std/yaml/parse.js";
import { z } from "zod";

const read = (path: string) => Deno.readTextFile(new URL(`../../${path}`, import.meta.url));

/** Exactly an override of a service's environment, by the Compose Specification. */
const composeFile = z.strictObject({
  services: z.strictObject({
    functions: z.strictObject({ environment: z.record(z.string(), z.string()) }),
  }),
});

Deno.test("the compose override is one, and sets what the functions read", async () => {
  const [, block = ""] = (await read("docs/self-hosting.md")).match(/^```yaml\n([^]*?)^```/m) ?? [];
  const { environment } = composeFile.parse(parse(block)).services.functions;
  const known = await read("supabase/functions/_durable_responses/platform/environment.ts");
  const { VERIFY_JWT, ...ours } = environment;
  assert.equal(VERIFY_JWT, "false");
  for (const [name, value] of Object.entries(ours)) {
    assert.ok(known.includes(`"${name}"`), `the functions do not read ${name}`);
    assert.ok(value === `\${${name}}` || Number(value) > 0, `${name}: ${value}`);
  }
});
