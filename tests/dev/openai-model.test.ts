import assert from "node:assert/strict";
import { PlanError, scriptedPlan, withoutPlan } from "../../packages/dev/openai/model/directive.ts";
import { fitSchema } from "../../packages/dev/openai/model/fit-schema.ts";
import { toolRecords } from "../../packages/dev/openai/model/records.ts";
import { replyWish, searchWords } from "../../packages/dev/openai/model/words.ts";

Deno.test("a query says what to search and what to reply", () => {
  const cases: [query: string, words: string, wish: string | undefined][] = [
    [
      "Find the email from Nora about the overdue invoice and reply that we will pay on Friday",
      "Nora overdue invoice",
      "we will pay on Friday",
    ],
    [
      "Reply to Tomás about the kick-off meeting: Thursday 14:00 works for us",
      "Tomás kick-off meeting Thursday 14 00 works",
      "Thursday 14:00 works for us",
    ],
    ["Find the latest invoice email and tell them we paid it", "invoice", "we paid it"],
    ["Answer the email about my flight to Lisbon", "flight Lisbon", undefined],
    ['Find "passport number" and reply', "passport number", undefined],
  ];
  for (const [query, words, wish] of cases) {
    assert.deepEqual([searchWords(query), replyWish(query)], [words, wish]);
  }
});

Deno.test("a script is read step by step, and leaves the rest of the query alone", () => {
  const query =
    'Hello [[plan: find a b; call s.t {"x":"a;]]#"} x2; sleep 2s; text 5 deltas; text bye]] you';
  assert.deepEqual(scriptedPlan(query), [
    { kind: "find", words: "a b" },
    { kind: "call", server: "s", tool: "t", arguments: { x: "a;]]1" } },
    { kind: "call", server: "s", tool: "t", arguments: { x: "a;]]2" } },
    { kind: "sleep", ms: 2000 },
    { kind: "text", words: "", deltas: 5 },
    { kind: "text", words: "bye", deltas: undefined },
  ]);
  assert.equal(withoutPlan(query), "Hello  you");
  assert.equal(scriptedPlan("no plan"), undefined);
  for (
    const bad of ["[[plan: dance]]", "[[plan: sleep long]]", "[[plan: call x {no}]]", "[[plan: x"]
  ) {
    assert.throws(() => scriptedPlan(bad), PlanError);
  }
});

Deno.test("records of finished calls are found in prose, lines, blocks and nesting", () => {
  const record = { tool: "t", server_label: "s", arguments: { a: [1, "}"] }, output: "o" };
  const done = { server: "s", tool: "t", arguments: { a: [1, "}"] }, output: "o" };
  const text = JSON.stringify(record);
  for (
    const told of [
      `Done [sic]:\n${text}`,
      `[${text}]`,
      `\`\`\`json\n{"done": {"calls": [${text}]}}\n\`\`\``,
    ]
  ) {
    assert.deepEqual(toolRecords(told), [done]);
  }
  assert.equal(toolRecords(`${text}\n${text}`).length, 2);
  const failed = { name: "t", arguments: "{}", error: { type: "http_error" } };
  assert.deepEqual(toolRecords(JSON.stringify(failed)), [
    { server: undefined, tool: "t", arguments: {}, error: '{"type":"http_error"}' },
  ]);
  assert.deepEqual(toolRecords(JSON.stringify({ ...record, status: "in_progress" })), []);
  assert.deepEqual(toolRecords("nothing {here} [at all"), []);
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
      list: { type: "array", items: { type: ["boolean", "null"] }, minItems: 2 },
    },
  };
  assert.deepEqual(fitSchema(schema, "text", { subject: "Invoice" }), {
    tag: "a",
    maybe: 3,
    fixed: 7,
    subject: "Invo",
    list: [true, true],
  });
});
