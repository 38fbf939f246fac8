/** What a refusal says about a value: its place in OpenAI's form, the rule, and what was seen. */
import assert from "node:assert/strict";
import { flawIn, placeOf } from "../../supabase/functions/_durable_responses/model/flaw.ts";
import * as z from "../../supabase/functions/_durable_responses/model/zod.ts";

const schema = z.strictObject({
  text: z.optional(z.string().check(z.maxLength(3))),
  list: z.optional(z.union([z.string(), z.array(z.object({ kind: z.enum(["a", "b"]) }))])),
  count: z.optional(z.int().check(z.minimum(1))),
  pairs: z.optional(z.record(z.string().check(z.maxLength(3)), z.string())),
  own: z.optional(z.string().check(z.minLength(2, "it must be longer"))),
});

for (
  const [value, place, why] of [
    [[], "", "it must be an object, but is an empty list"],
    [{ text: 1 }, "text", "it must be a string, but is 1"],
    [{ text: "abcd" }, "text", "it must have at most 3 characters, but has 4"],
    [{ list: {} }, "list", "it must be a string or a list, but is an object"],
    [{ list: [{ kind: "a" }, {}] }, "list[1].kind", 'it must be "a" or "b", but is missing'],
    [{ list: [{ kind: "c" }] }, "list[0].kind", 'it must be "a" or "b", but is "c"'],
    [{ list: [null] }, "list[0]", "it must be an object, but is null"],
    [{ count: 0 }, "count", "it must be at least 1, but is 0"],
    [{ count: 1.5 }, "count", "it must be a whole number, but is 1.5"],
    [{ pairs: { a: false } }, "pairs.a", "it must be a string, but is false"],
    [
      { pairs: { abcd: "" } },
      "pairs.abcd",
      "its name does not fit: it must have at most 3 characters, but has 4",
    ],
    [{ own: "" }, "own", "it must be longer"],
    [{ more: 1 }, "more", "there is no such field"],
  ] as const
) {
  Deno.test(`${JSON.stringify(value)}: ${why}`, () => {
    const { error } = schema.safeParse(value);
    assert.ok(error);
    assert.deepEqual(flawIn(error, value), { place, why });
  });
}

Deno.test("long names and values are cut, and values can be hidden", () => {
  assert.ok(placeOf(["a".repeat(1000), 1]).length < 100);
  const value = { list: "x", text: ["y".repeat(10)], count: "z".repeat(1000) };
  const { error } = z.object({ count: z.number() }).safeParse(value);
  assert.ok(error);
  assert.ok(flawIn(error, value).why.length < 150);
  assert.equal(flawIn(error, value, { hides: true }).why, "it must be a number, but is a string");
});
