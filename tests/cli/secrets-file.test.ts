/** The real Supabase CLI and our own commands read secrets exactly as init wrote them. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { Failure } from "../../packages/cli/src/failure.ts";
import { envLine, readEnv, withSecrets } from "../../packages/cli/src/init/secrets-file.ts";
import { secretsSet } from "../adoption/support/management-api.ts";

const values = [
  "a#b",
  "a #b",
  " # ",
  "$HOME and ${HOME} and $(id)",
  "it's",
  'say "no"',
  `it's "both"`,
  "back\\slash\\n",
  "ends in \\",
  "`tick`",
  "  spaces  ",
  "two\nlines # and more",
  "a=b=c",
  "ключ-密钥",
  "-----BEGIN KEY-----\nab+/c==\n-----END KEY-----\n",
  "export X=1",
];

/** Characters that have a meaning for some reader. */
const tricky = fc.string({
  unit: fc.constantFrom(..."#'\"`$\\ \t\n={}()!&|;a1é".split("")),
  minLength: 1,
  maxLength: 12,
});

/** The value's line; undefined if it is refused. */
function written(name: string, value: string): string | undefined {
  try {
    return envLine(name, value);
  } catch (error) {
    if (error instanceof Failure) return undefined;
    throw error;
  }
}

Deno.test("the Supabase CLI and our own commands read each value as it was given", async () => {
  const drawn = fc.sample(tricky, { numRuns: 3_000, seed: 20 });
  const given = new Map<string, string>();
  for (const [number, value] of [...values, ...drawn].entries()) {
    if (written(`S_${number}`, value) !== undefined) given.set(`S_${number}`, value);
  }
  assert.ok(given.size > 2_500, `${given.size} can be written`);
  const text = withSecrets("# mine\nMINE=1\n", [...given.keys()], Object.fromEntries(given));
  const expected = { MINE: "1", ...Object.fromEntries(given) };
  assert.deepEqual(readEnv(text), expected);
  const file = await Deno.makeTempFile({ suffix: ".env" });
  try {
    await Deno.writeTextFile(file, text);
    assert.deepEqual(await secretsSet(file), expected);
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("every value but the strangest can be written, and plain ones have no quotes", () => {
  for (const [number, value] of values.entries()) {
    assert.notEqual(written("NAME", value), undefined, `${number}: ${value}`);
  }
  assert.equal(envLine("KEY", "sk-proj_A1.b/c+d="), "KEY=sk-proj_A1.b/c+d=");
  assert.equal(envLine("EMPTY", ""), "EMPTY=");
  assert.throws(() => envLine("KEY", `# ' " \` \\`), /Cannot write KEY/);
  assert.throws(() => envLine("KEY", "a\rb"), /Cannot write KEY/);
});
