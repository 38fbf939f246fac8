/** A profile's tools in a request, and which ones are refused before anything is accepted. */
import assert from "node:assert/strict";
import { z } from "zod";
import * as mini from "zod/mini";
import { RequestError } from "../../../supabase/functions/_durable_responses/platform/errors.ts";
import { planFor } from "../../../supabase/functions/_durable_responses/profiles/plan.ts";
import type { Profile } from "../../../supabase/functions/_durable_responses/profiles/profile.ts";
import {
  sqlTool,
  tool,
} from "../../../supabase/functions/_durable_responses/profiles/own-tools.ts";

const ask = { profile: "p", input: "hello", request: null };
const plan = (tools: Profile["tools"], more: Partial<Profile> = {}) =>
  planFor({ p: { model: "m", ...(tools ? { tools } : {}), ...more } }, ask);
const of = (inputSchema: z.ZodType | mini.ZodMiniType) =>
  tool({ name: "t", description: "d", inputSchema, execute: () => "" });

async function definition(schema: z.ZodType | mini.ZodMiniType) {
  return Object((await plan([of(schema)])).body.tools?.[0]);
}

async function refused(act: Promise<unknown>): Promise<RequestError> {
  const error = await act.then(() => undefined, (why: unknown) => why);
  assert.ok(error instanceof RequestError, String(error));
  return error;
}

Deno.test("a schema is sent strict where strict mode can say all of it", async () => {
  const strict = await definition(
    z.object({ a: z.string(), b: z.object({ c: z.array(z.int()) }) }),
  );
  assert.equal(strict.strict, true);
  assert.equal(strict.parameters.additionalProperties, false);
  assert.deepEqual(strict.parameters.required, ["a", "b"]);
  assert.equal(strict.parameters.properties.b.additionalProperties, false);
  assert.equal(strict.parameters.$schema, undefined);
  for (
    const loose of [
      z.object({ a: z.string().optional() }),
      z.object({ a: z.record(z.string(), z.string()) }),
      z.object({ a: z.looseObject({}) }),
      z.object({ a: z.string().default("x") }),
    ]
  ) assert.equal((await definition(loose)).strict, false);
  assert.equal((await definition(mini.object({ a: mini.nullable(mini.string()) }))).strict, true);
});

Deno.test("what JSON has no word for is refused with the field's path", async () => {
  for (
    const [schema, said] of [
      [
        z.object({ when: z.object({ at: z.date() }) }),
        /'t'.*at 'when\.at': JSON has no type for 'date'/,
      ],
      [
        z.object({ n: z.bigint(), tags: z.set(z.string()) }),
        /inputSchema: at 'n': JSON has no type for 'bigint'; at 'tags': JSON has no type for 'set'$/,
      ],
      [z.string(), /it must be an object, but it is 'string'/],
    ] as const
  ) {
    const error = await refused(plan([of(schema)]));
    assert.deepEqual([error.code, error.status], ["invalid_profile", 500]);
    assert.match(error.message, said);
  }
});

Deno.test("a tool's own name and function are checked where it is declared", () => {
  const options = { description: "d", inputSchema: z.object({}) };
  assert.throws(
    () => tool({ ...options, name: "no spaces", execute: () => "" }),
    /letters, digits/,
  );
  assert.throws(
    () => tool({ ...options, name: "t", timeoutMs: 0, execute: () => "" }),
    /timeoutMs/,
  );
  for (const name of ["orders", "public.orders; drop table x", "Public.Orders"]) {
    assert.throws(() => sqlTool({ ...options, name: "t", function: name }), /with its schema/);
  }
});

const screen = {
  type: "computer_use_preview",
  environment: "browser",
  display_width: 800,
  display_height: 600,
} as const;

Deno.test("the caller runs each kind of tool that OpenAI leaves to others", async () => {
  const tools = [
    { type: "custom", name: "draw" },
    { type: "apply_patch" },
    { type: "local_shell" },
    { type: "shell", environment: { type: "local" } },
    screen,
  ] as const;
  const { body, callerTools } = await plan(tools.map((tool) => ({ ...tool, run_by: "caller" })));
  assert.deepEqual(callerTools, [
    { kind: "custom_tool_call", tool: "draw" },
    { kind: "apply_patch_call", tool: "apply_patch" },
    { kind: "local_shell_call", tool: "local_shell" },
    { kind: "shell_call", tool: "shell" },
    { kind: "computer_call", tool: "computer" },
  ]);
  assert.deepEqual(body.tools, [...tools]);
});

Deno.test("tools that nobody runs, and what could act twice, are refused", async () => {
  const fn = { type: "function", name: "f", parameters: {}, strict: null } as const;
  const cases: [Profile["tools"], RegExp][] = [
    [[fn], /tools\[0\]: nothing runs the function 'f'/],
    [
      [{ type: "web_search" }, { type: "custom", name: "c" }],
      /tools\[1\]: OpenAI leaves tools of the type 'custom'/,
    ],
    [[{ type: "local_shell" }], /'local_shell'/],
    [[{ type: "apply_patch" }], /'apply_patch'/],
    [[{ type: "shell" }], /nothing here runs a shell of the caller/],
    [
      [{ type: "shell", environment: { type: "container_auto" }, run_by: "caller" }],
      /OpenAI runs this tool of the type 'shell' itself/,
    ],
    [
      [{ type: "computer", run_by: "caller" }, { ...screen, run_by: "caller" }],
      /tools\[1\]: there are two tools named 'computer'/,
    ],
    [[of(z.object({})), of(z.object({}))], /two functions named 't'/],
    [[{ ...fn, run_by: "caller", allowed_callers: ["programmatic"] }], /'programmatic'/],
  ];
  for (const [tools, said] of cases) {
    const error = await refused(plan(tools));
    assert.equal(error.code, "invalid_profile");
    assert.match(error.message, said);
  }
  const { body, callerTools } = await plan([
    { ...fn, run_by: "caller", allowed_callers: ["programmatic"] },
  ], { side_effects: { f: "none" } });
  assert.deepEqual(callerTools, [{ kind: "function_call", tool: "f" }]);
  assert.equal(body.tools?.[0]?.["run_by"], undefined, "OpenAI is told nothing of who runs it");
});

Deno.test("of a whole request the same is refused as its mistake", async () => {
  const whole = (tools: Record<string, unknown>[]) =>
    planFor({ p: { model: "m" } }, {
      profile: "p",
      input: null,
      request: { model: "m", input: "x", tools },
    });
  const error = await refused(whole([{ type: "function", name: "f" }]));
  assert.deepEqual([error.code, error.status], ["invalid_request", 400]);
  const { callerTools } = await whole([{ type: "function", name: "f", run_by: "caller" }]);
  assert.deepEqual(callerTools, [{ kind: "function_call", tool: "f" }]);
  assert.match(
    (await refused(whole([{ type: "function", name: "f", run_by: "worker" }]))).message,
    /nothing runs/,
  );
});

Deno.test("input has the type of its schema", async () => {
  const typed = tool({
    name: "typed",
    description: "d",
    inputSchema: z.object({ amount: z.number(), note: z.string().optional() }),
    needsApproval: ({ amount }) => amount.toFixed() !== "0",
    execute: ({ amount, note }) => `${amount.toFixed(2)} ${note?.trim()}`,
  });
  const read = await typed.read({ amount: 3 });
  assert.ok(!("error" in read));
  assert.equal(await read.needsApproval(), true);
  assert.match(Object(await typed.read({ amount: "3" })).error, /amount: /);
});

Deno.test("two servers of one label are refused, whoever calls them: each would be judged by the other's rules", async () => {
  const server = {
    type: "mcp",
    server_label: "mail",
    server_url: "https://mail.example/mcp",
    require_approval: "never",
  } as const;
  const careful = { ...server, require_approval: "always" as const, allowed_tools: ["send"] };
  const ours = { ...server, run_by: "worker" } as const;
  for (const tools of [[server, careful], [careful, server], [server, ours], [ours, careful]]) {
    const error = await refused(plan(tools));
    assert.equal(error.code, "invalid_profile");
    assert.match(error.message, /tools\[1\]: there are two servers named 'mail'/);
  }
  await plan([server, { ...careful, server_label: "mail2" }]);
});
