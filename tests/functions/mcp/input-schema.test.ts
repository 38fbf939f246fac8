import assert from "node:assert/strict";
import fc from "fast-check";
import { usableSchema } from "../../../supabase/functions/_durable_responses/tools/mcp/input-schema.ts";

function schemaOf(schema: unknown) {
  const usable = usableSchema(schema);
  return "schema" in usable ? usable.schema : usable.problem;
}

Deno.test("a good schema stays as it is", () => {
  const schema = {
    type: "object",
    properties: {
      query: { type: "string", description: "words", pattern: "^a" },
      filter: { anyOf: [{ type: "string" }, { type: "null" }] },
      list: { type: ["array", "null"], items: { $ref: "#/$defs/entry" } },
    },
    required: ["query"],
    additionalProperties: false,
    $defs: { entry: { type: "object", properties: {} } },
  };
  assert.deepEqual(schemaOf(schema), schema);
});

Deno.test("what OpenAI would refuse is mended where the meaning stays", () => {
  assert.deepEqual(schemaOf({}), { type: "object", properties: {} });
  assert.deepEqual(
    schemaOf({ type: "object", oneOf: [{ required: ["a"] }, { required: ["b"] }] }),
    { type: "object", properties: {} },
  );
  assert.deepEqual(
    schemaOf({ type: "object", properties: { a: { type: "array" } } }),
    { type: "object", properties: { a: { type: "array", items: {} } } },
  );
});

Deno.test("what cannot be mended is named", () => {
  const wrong: [unknown, RegExp][] = [
    [null, /must be an object/],
    ["object", /must be an object/],
    [{ type: "array" }, /must be of type object, not "array"/],
    [{ type: "object", properties: [] }, /'properties' that are not an object/],
    [{ type: "object", properties: { a: "string" } }, /has "string" where a schema belongs/],
    [{ type: "object", properties: { a: { type: "file" } } }, /unknown type "file"/],
    [{ type: "object", required: "a" }, /'required' that is not a list/],
    [{ type: "object", properties: { a: { items: { pattern: "[" } } } }, /invalid pattern/],
    [{ type: "object", description: "x".repeat(200_000) }, /at most 100000 can be sent/],
  ];
  for (const [schema, problem] of wrong) assert.match(String(schemaOf(schema)), problem);
});

Deno.test("a schema of any depth and form is read or refused, never thrown at", () => {
  let deep: Record<string, unknown> = { type: "object" };
  for (let level = 0; level < 500; level++) deep = { type: "object", properties: { a: deep } };
  assert.match(String(schemaOf(deep)), /more than 64 levels deep/);
  fc.assert(fc.property(fc.jsonValue({ maxDepth: 6 }), (schema) => void usableSchema(schema)));
});
