/** Mistakes in a profile are reported before a request fails, with the place and the fix. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { zodTextFormat } from "openai/helpers/zod";
import * as zMini from "zod/mini";
import { z } from "zod";
import { typesFile } from "../../../packages/cli/src/check/types-file.ts";
import { defineProfiles, secret } from "../../../supabase/functions/_durable_responses/mod.ts";
import { checkProfiles } from "../../../supabase/functions/_durable_responses/profiles/check/check-profiles.ts";
import { ownFields } from "../../../supabase/functions/_durable_responses/profiles/check/fields.ts";
import { profiles } from "../../../supabase/functions/_shared/profiles.ts";
import { found, messageFor } from "./support/found.ts";

Deno.test("the project's own profiles have nothing wrong", async () => {
  const { findings, profiles: checked } = await checkProfiles(profiles, () => true);
  assert.deepEqual(findings, []);
  assert.deepEqual(checked.map(({ name }) => name), Object.keys(profiles));
});

Deno.test("profiles.gen.ts in this repository is what check writes of its profiles", async () => {
  const path = new URL("../../../supabase/functions/_shared/profiles.gen.ts", import.meta.url);
  assert.equal(await Deno.readTextFile(path), typesFile(await checkProfiles(profiles, () => true)));
});

Deno.test("a secret in a text that the model gets is refused", async () => {
  assert.equal(
    await messageFor({ instructions: `The key is ${secret("SET")}` }),
    "wrong instructions: 'instructions' has secret(\"SET\"), which works only in tools → The model must not see a secret. Move it into the tool that needs it",
  );
});

Deno.test("a was_made that is never asked is told", async () => {
  const wasMade = { was_made: { send: () => undefined } };
  assert.match(
    await messageFor({ ...wasMade, on_uncertain: "retry" }),
    /^wrong was_made: 'was_made' is never asked: with on_uncertain "retry"/,
  );
  assert.match(
    await messageFor({ ...wasMade, review_ms: 60_000 }),
    /^wrong was_made_after_ms: .* a review expires after 60000 ms, and it is asked after 120000 ms/,
  );
  assert.match(
    await messageFor({ was_made_after_ms: 1 }),
    /^wrong was_made_after_ms: .* but there is none → Add 'was_made', or leave it out/,
  );
});

Deno.test("an unknown field names the likely one", async () => {
  assert.match(
    await messageFor({ instruction: "Be brief" }),
    /^wrong instruction: A profile has no field 'instruction' → Did you mean 'instructions'\?/,
  );
  assert.match(
    await messageFor({ budgets: { deadline: 1000 } }),
    /^wrong budgets\.deadline: 'budgets' has no field 'deadline' → Did you mean 'deadline_ms'\?/,
  );
  assert.match(
    await messageFor({ wibble: 1 }),
    /has no field 'wibble' → The fields are model,.*newer than this release goes into `extra_body`$/,
  );
});

Deno.test("extra_body is for fields that have no place of their own", async () => {
  assert.deepEqual(await found({ extra_body: { brand_new: { mode: "on" } } }), []);
  assert.match(
    await messageFor({ extra_body: { temperature: 1 } }),
    /^wrong extra_body\.temperature: .*must not contain 'temperature' → Set 'temperature' in the profile itself/,
  );
  assert.match(await messageFor({ extra_body: { store: true } }), /'store' → It depends on how/);
  assert.match(await messageFor({ extra_body: { prompt: { id: "x" } } }), /'prompt' → Copy the/);
  assert.match(
    await messageFor({ extra_body: "x" }),
    /'extra_body' must be an object, but it is 'x'/,
  );
});

Deno.test("a field of the request that a profile has no say in is told where it belongs", async () => {
  assert.match(await messageFor({ stream: true }), /'stream' → It depends on how the job runs/);
  assert.match(await messageFor({ text: {} }), /'text' → .*`output`/);
});

Deno.test("a value that does not fit is told with its place and what it is", async () => {
  assert.match(
    await messageFor({ model: "" }),
    /^wrong model: 'model' must have at least 1 character, but it is ''/,
  );
  assert.match(
    await messageFor({ guard: "allways" }),
    /^wrong guard: 'guard' must be one of 'always', 'synchronous', 'off', but it is 'allways' → See profiles\.md#guard in the package's docs$/,
  );
  assert.match(
    await messageFor({ side_effects: { "mail.send": "twice" } }),
    /^wrong side_effects\.mail\.send: /,
  );
  assert.match(
    await messageFor({ approve_when: { x: true } }),
    /^wrong approve_when\.x: 'approve_when\.x' must be a function, but it is true/,
  );
  assert.match(
    await messageFor({ retry: { max_attempts: 0 } }),
    /'retry\.max_attempts' .* it is 0/,
  );
  assert.match(
    await messageFor({ tools: [{ type: "web_search" }, { server_label: "x" }] }),
    /'tools\[1\]\.type' .* it is missing/,
  );
});

Deno.test("every field has its place in the page that the hints name", async () => {
  const page = await Deno.readTextFile(new URL("../../../docs/profiles.md", import.meta.url));
  for (const name of Object.keys(ownFields)) {
    if (name !== "prompt") assert.ok(page.includes(`\n### \`${name}\`\n`), name);
  }
});

Deno.test("a value that is out of range names the range", async () => {
  assert.match(
    await messageFor({ retry: { max_attempts: 0 } }),
    /'retry\.max_attempts' must be at least 1, but it is 0/,
  );
  assert.match(
    await messageFor({ budgets: { accept_ms: 0 } }),
    /'budgets\.accept_ms' must be more than 0, but it is 0/,
  );
  assert.match(await messageFor({ model: "m".repeat(201) }), /must have at most 200 characters/);
});

Deno.test("a setting that is sent as it is must have a type that OpenAI takes", async () => {
  assert.equal(
    await messageFor({ temperature: "hot" }),
    "wrong temperature: 'temperature' must be a number, but it is 'hot' → See 'temperature' at https://platform.openai.com/docs/api-reference/responses/create, then deploy the fix",
  );
  const cases: [Record<string, unknown>, RegExp][] = [
    [{ reasoning: "high" }, /'reasoning' must be an object, but it is 'high'/],
    [{ max_output_tokens: "many" }, /'max_output_tokens' must be a whole number, but it is 'many'/],
    [{ max_tool_calls: 1.5 }, /'max_tool_calls' must be a whole number, but it is 1\.5/],
    [{ top_p: NaN }, /'top_p' must be a number, but it is NaN/],
    [{ parallel_tool_calls: 1 }, /'parallel_tool_calls' must be true or false, but it is 1/],
    [{ tool_choice: [] }, /'tool_choice' must be a text or an object, but it is a list/],
    [{ include: {} }, /'include' must be a list, but it is an object/],
    [{ truncation: () => "auto" }, /'truncation' must be a text, but it is a function/],
    [{ user: "u".repeat(30), top_logprobs: "x".repeat(30) }, /but it is a longer text/],
  ];
  for (const [profile, expected] of cases) assert.match(await messageFor(profile), expected);
});

Deno.test("settings with the types that OpenAI takes are left to OpenAI", async () => {
  const { findings } = await checkProfiles(
    defineProfiles({
      main: {
        model: "gpt-6-luna",
        conversation: { id: "conv_1" },
        include: ["file_search_call.results"],
        max_output_tokens: null,
        parallel_tool_calls: false,
        reasoning: { effort: "high" },
        service_tier: "flex",
        temperature: 0.5,
        tool_choice: { type: "function", name: "look" },
        top_logprobs: 0,
        truncation: "auto",
      },
      other: { model: "gpt-6-luna", conversation: "conv_1", tool_choice: "auto" },
    }),
    () => true,
  );
  assert.deepEqual(findings, []);
});

Deno.test("no value that could be a key is repeated", async () => {
  const message = await messageFor({ approval_ms: "sk-live-0123456789abcdef0123456789abcdef" });
  assert.doesNotMatch(message, /sk-live/);
});

Deno.test("a schema that OpenAI refuses is told with the field's path", async () => {
  const cases: [unknown, RegExp][] = [
    [
      z.object({ lines: z.array(z.object({ price: z.number().optional() })) }),
      /^wrong output\.lines\[\]\.price: .*\.nullable\(\) instead of \.optional\(\)/,
    ],
    [zMini.object({ note: zMini.optional(zMini.string()) }), /^wrong output\.note: .*nullable/],
    [z.object({ byName: z.record(z.string(), z.number()) }), /^wrong output\.byName: .*any key/],
    [
      z.object({ at: z.object({ day: z.date() }) }),
      /^wrong output\.at\.day: .*Date.*\. Use z\.iso\.datetime\(\)/,
    ],
    [z.object({ size: z.string().transform((text) => text.length) }), /^wrong output\.size: /],
    [z.object({ pair: z.tuple([z.string(), z.number()]) }), /^wrong output\.pair: .*tuple/],
    [z.object({ what: z.any() }), /^wrong output\.what: .*it has no type/],
    [z.object({ link: z.url() }), /^wrong output\.link: .*the format 'uri'/],
    [z.array(z.string()), /^wrong output: .*whole answer must be z\.object/],
    [{ type: "object" }, /^wrong output: 'output' is not a zod 4 schema/],
  ];
  for (const [output, expected] of cases) assert.match(await messageFor({ output }), expected);
});

Deno.test("every flaw of a schema that OpenAI refuses is told, each with its path", async () => {
  const output = z.object({
    size: z.number().optional(),
    day: z.date(),
    lines: z.array(z.union([
      z.object({ tax: z.string().optional(), link: z.url() }),
      z.object({ pair: z.tuple([z.string(), z.number()]) }),
    ])),
    byName: z.record(z.string(), z.any()),
    big: z.bigint().nullable(),
    both: z.string().nullable().optional(),
    note: z.string(),
  });
  const lines = await found({ output });
  assert.deepEqual(lines.map((line) => line.split(":")[0]).sort(), [
    "wrong output.big",
    "wrong output.byName",
    "wrong output.day",
    "wrong output.lines[].link",
    "wrong output.lines[].pair",
    "wrong output.lines[].tax",
    "wrong output.size",
  ]);
  assert.match(lines.join("\n"), /output\.day.*z\.iso\.datetime\(\)/);
  const root = z.union([z.object({ a: z.string().optional() }), z.object({ b: z.unknown() })]);
  assert.deepEqual((await found({ output: root })).map((line) => line.split(":")[0]), [
    "wrong output",
    "wrong output.a",
    "wrong output.b",
  ]);
});

/** Schemas of all kinds that a profile may have, and some that OpenAI refuses. */
const anySchema: fc.Arbitrary<z.ZodType> = fc.letrec<{ schema: z.ZodType }>((tie) => {
  const inner = tie("schema");
  const leaves = [
    z.string(),
    z.number().int().min(1),
    z.boolean(),
    z.null(),
    z.enum(["a", "b"]),
    z.literal([1, "x"]),
    z.iso.date(),
    z.string().default("x"),
  ];
  return {
    schema: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      fc.constantFrom<z.ZodType>(...leaves),
      fc.dictionary(fc.constantFrom("a", "b", "c"), inner, { minKeys: 1 }).map((shape) =>
        z.object(shape)
      ),
      inner.map((each) => each.optional()),
      inner.map((each) => each.nullable()),
      inner.map((each) => z.array(each)),
      fc.tuple(inner, inner).map((both) => z.union(both)),
      fc.tuple(inner, inner).map((both) => z.tuple(both)),
      inner.map((each) => z.record(z.string(), each)),
    ),
  };
}).schema;

Deno.test("what is told of a schema is what the request's helper refuses", async () => {
  await fc.assert(
    fc.asyncProperty(anySchema, async (schema) => {
      const output = z.object({ answer: schema });
      const lines = await found({ output });
      const refusal = (() => {
        try {
          zodTextFormat(output, "output");
        } catch (error) {
          return String(error);
        }
      })();
      assert.equal(lines.length > 0, refusal !== undefined, `${refusal}\n${lines.join("\n")}`);
    }),
    { numRuns: 300 },
  );
});

Deno.test("a schema that OpenAI takes is given as JSON Schema", async () => {
  const { findings, profiles: [checked] } = await checkProfiles(
    defineProfiles({
      main: {
        model: "gpt-6-luna",
        output: z.object({
          kind: z.enum(["a", "b"]),
          mail: z.email(),
          note: z.string().nullable(),
          more: z.discriminatedUnion("is", [
            z.object({ is: z.literal("x") }),
            z.object({ is: z.literal("y"), count: z.int() }),
          ]),
        }),
      },
    }),
    () => true,
  );
  assert.deepEqual(findings, []);
  assert.match(JSON.stringify(checked?.output), /"kind":\{"type":"string","enum":\["a","b"\]\}/);
});

Deno.test("a stored prompt, a profile that is no object, and no profiles at all", async () => {
  assert.match(await messageFor({ prompt: { id: "pmpt_1" } }), /stored prompts end/);
  const messages = async (all: unknown) =>
    (await checkProfiles(all, () => true)).findings.map(({ message }) => message);
  assert.deepEqual(await messages({ main: "gpt-6-luna" }), ["It is not an object"]);
  assert.deepEqual(await messages(undefined), ["profiles.ts exports no 'profiles'"]);
  assert.deepEqual(await messages({}), ["'profiles' in profiles.ts has no profile"]);
});

Deno.test("the editor says so too: a field that a profile does not have is a type error", () => {
  const made = defineProfiles({
    main: { model: "gpt-6-luna", budgets: { deadline_ms: 1000 } },
    // @ts-expect-error: it is `instructions`
    typo: { model: "gpt-6-luna", instruction: "Be brief" },
  });
  assert.deepEqual(Object.keys(made), ["main", "typo"]);
});
