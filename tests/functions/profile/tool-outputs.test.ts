/** What a tool returns, in the form in which the model gets it; and what it throws. */
import assert from "node:assert/strict";
import { z } from "zod";
import { tool } from "../../../supabase/functions/_durable_responses/mod.ts";
import type { OwnCall } from "../../../supabase/functions/_durable_responses/tools/own/own-call.ts";
import { functionTool } from "../../../supabase/functions/_durable_responses/tools/own/function-tool.ts";
import { forFile } from "../../support/for-file.ts";
import { setEnvironment } from "../support/environment.ts";

const theEnvironment = forFile((parts) => {
  setEnvironment(parts, {
    SUPABASE_URL: "http://127.0.0.1:9",
    SUPABASE_SECRET_KEYS: '{"default":"sb_secret_of_the_test"}',
  });
  return Promise.resolve(true);
});

const call: OwnCall = {
  key: { id: crypto.randomUUID(), attempt: 1 },
  ownerId: null,
  stepId: "fc_1",
  item: { type: "function_call" },
  kind: "function_call",
  callId: "call_1",
  server: null,
  tool: "odd",
  arguments: "{}",
  callKey: "",
  effect: "none",
  repeat: 0,
  idempotencyKey: "",
};

async function made(execute: () => unknown, effect: OwnCall["effect"] = "none") {
  assert.ok(theEnvironment());
  const odd = tool({ name: "odd", description: "Is odd.", inputSchema: z.object({}), execute });
  const read = await functionTool(odd).read("{}");
  assert.ok(!("error" in read));
  return await read.make({ ...call, effect }, new AbortController().signal);
}

class Order {
  #secret = 1;
  constructor(readonly item: string) {}
  get total() {
    return this.#secret;
  }
}
class Empty {}

const written: [string, unknown, string][] = [
  ["text", "as it is", "as it is"],
  ["nothing", undefined, "null"],
  ["a date", new Date(0), '"1970-01-01T00:00:00.000Z"'],
  ["a class's fields", new Order("tea"), '{"item":"tea"}'],
  [
    "what is undefined, or a function, inside",
    { a: undefined, b: () => 1, c: [undefined] },
    '{"c":[null]}',
  ],
  ["an empty object", { a: {}, b: [], c: Object.create(null) }, '{"a":{},"b":[],"c":{}}'],
  ["half a pair in text", "a\ud800b", "a\uFFFDb"],
  [
    "half a pair in JSON",
    { "k\udc00": ["\ud800\ud801", "😀"] },
    '{"k\uFFFD":["\uFFFD\uFFFD","😀"]}',
  ],
  [
    "a backslash that is none",
    ["\\ud800", "\\\\ud800", "\\\ud800"],
    '["\\\\ud800","\\\\\\\\ud800","\\\\\uFFFD"]',
  ],
];
for (const [name, output, text] of written) {
  Deno.test(`the model gets ${name}`, async () => {
    assert.deepEqual(await made(() => output), { kind: "output", output: text });
  });
}

const unwritable: [unknown, string][] = [
  [() => 1, "it is a function"],
  [Symbol("x"), "it is a symbol"],
  [new ReadableStream(), "it is a ReadableStream"],
  [new Response("x"), "it is a Response"],
  [new Map([["a", 1]]), "it is a Map"],
  [new Error("x"), "it is an Error"],
  [new Empty(), "it is an Empty"],
  [{ empty: {}, orders: [1, { prices: new Set([1]) }] }, "orders.1.prices is a Set"],
  [{ later: Promise.resolve(1) }, "later is a Promise"],
  [{ price: 10n }, "Do not know how to serialize a BigInt"],
];
for (const [output, why] of unwritable) {
  Deno.test(`the model is told that ${why}, and of a once call that it was made`, async () => {
    const error = `Its output cannot be written as JSON: ${why}`;
    assert.deepEqual(await made(() => output), { kind: "error", error });
    assert.deepEqual(await made(() => output, "once"), {
      kind: "output",
      output: JSON.stringify({ done: true, error }),
    });
  });
}

Deno.test("an output that refuses to be looked at is an error in words", async () => {
  const refuses = new Proxy({}, {
    ownKeys() {
      throw new Error("no");
    },
  });
  assert.deepEqual(await made(() => refuses), {
    kind: "error",
    error: "Its output cannot be written as JSON: no",
  });
});

Deno.test("a module that is not there is told by its name, without its place on the machine", async () => {
  const missing = `./not-${"there"}.ts`;
  const { kind, ...rest } = await made(() => import(missing));
  assert.equal(kind, "error");
  assert.deepEqual(rest, { error: 'Module not found "not-there.ts".' });
});
