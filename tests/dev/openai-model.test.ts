import assert from "node:assert/strict";
import { z } from "zod";
import { exampleOf } from "../../packages/dev/openai/model/answer.ts";
import {
  PlanError,
  planInQuery,
  readPlan,
  withoutPlan,
} from "../../packages/dev/openai/model/plan.ts";
import { PlanBook } from "../../packages/dev/openai/model/plans.ts";
import { toolRecords } from "../../packages/dev/openai/model/records.ts";

Deno.test("a plan is read step by step, and leaves the rest of the query alone", () => {
  const query =
    'Hello [[plan: call s.t {"x":"a;]]#"} x2; call u; reason; sleep 2s; text 5 deltas; text say "a; b"]] you';
  const call = { kind: "call", server: "s", tool: "t" };
  assert.deepEqual(readPlan(planInQuery(query) ?? ""), [
    { ...call, arguments: { x: "a;]]1" } },
    { ...call, arguments: { x: "a;]]2" } },
    { kind: "call", server: undefined, tool: "u", arguments: undefined },
    { kind: "reason", words: "Thinking about what to do next" },
    { kind: "sleep", ms: 2000 },
    { kind: "text", words: "5 deltas", deltas: 5 },
    { kind: "text", words: 'say "a; b"', deltas: undefined },
  ]);
  assert.equal(withoutPlan(query), "Hello  you");
  assert.equal(planInQuery("no plan"), undefined);
  assert.throws(() => planInQuery("[[plan: x"), PlanError);
  for (const bad of ["dance", "sleep long", "call x {no}", "call a b"]) {
    assert.throws(() => readPlan(bad), PlanError);
  }
});

Deno.test("a query's own plan comes first, then the plan that was added last for a part of it", () => {
  const plans = new PlanBook({ order: "text first", Hello: "text second" });
  const answer = (query: string) =>
    plans.stepsFor(query).map((step) => "words" in step && step.words);
  assert.deepEqual(answer("my order"), ["first"]);
  assert.deepEqual(answer("Hello, my order"), ["second"]);
  assert.deepEqual(answer("Hello [[plan: text own]]"), ["own"]);
  assert.deepEqual(answer("hi"), []);
  assert.deepEqual(plans.stepsFor("hi", { type: "mcp", server_label: "s", name: "t" }), [
    { kind: "call", server: "s", tool: "t", arguments: undefined },
  ]);
  assert.deepEqual(plans.stepsFor("hi", "auto"), []);
  plans.add("order", "text third");
  assert.deepEqual(answer("Hello, my order"), ["third"]);
  assert.throws(() => plans.add("order", "dance"), PlanError);
  assert.throws(() => new PlanBook({ order: "dance" }), {
    message:
      "Cannot read the plan for 'order': Cannot read the step 'dance': it must begin with call, reason, text, search or sleep",
  });
});

Deno.test("a file of plans is read anew for each request, and named when it cannot be read", async () => {
  const file = await Deno.makeTempFile({ suffix: ".json" });
  try {
    await Deno.writeTextFile(file, '{"order": "text one"}');
    const plans = new PlanBook(file);
    const words = () => JSON.stringify(plans.stepsFor("my order"));
    assert.match(words(), /one/);
    await Deno.writeTextFile(file, '{"order": "text two"}');
    assert.match(words(), /two/);
    await Deno.writeTextFile(file, "[]");
    assert.throws(words, (error) => error instanceof Error && error.message.includes(file));
    assert.throws(() => new PlanBook(`${file}.none`), /Cannot read the plans/);
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("records of finished calls are found between lines of prose", () => {
  const record = { tool: "t", server_label: "s", arguments: { a: [1, "}"] }, output: "o" };
  const done = { server: "s", tool: "t", arguments: { a: [1, "}"] }, output: "o" };
  const text = JSON.stringify(record);
  assert.deepEqual(toolRecords(`Done [sic]:\n${text}\nGo on {please}`), [done]);
  assert.equal(toolRecords(`${text}\n${text}`).length, 2);
  const failed = { tool: "t", arguments: "{}", error: { type: "http_error" } };
  assert.deepEqual(toolRecords(JSON.stringify(failed)), [
    { server: undefined, tool: "t", arguments: {}, error: '{"type":"http_error"}' },
  ]);
  assert.deepEqual(toolRecords('nothing {here} [at all\n{here}\n{"searched_the_web": 1}'), []);
});

Deno.test("an answer fits a schema with references, unions, constants and bounds", () => {
  const schema = {
    type: "object",
    $defs: { Tag: { type: "string", enum: ["a", "b"] } },
    properties: {
      tag: { $ref: "#/$defs/Tag" },
      maybe: { anyOf: [{ type: "integer", minimum: 3 }, { type: "null" }] },
      fixed: { const: 7 },
      subject: { type: "string", maxLength: 4 },
      list: { type: "array", items: { type: "boolean" }, minItems: 2 },
    },
    required: ["tag", "maybe", "fixed", "subject", "list"],
    additionalProperties: false,
  };
  const fits = z.strictObject({
    tag: z.enum(["a", "b"]),
    maybe: z.union([z.int().min(3), z.null()]),
    fixed: z.literal(7),
    subject: z.string().max(4),
    list: z.array(z.boolean()).min(2),
  });
  const example = fits.parse(exampleOf(schema));
  assert.deepEqual(exampleOf(schema), example, "the same each time");
});
