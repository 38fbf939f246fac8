import assert from "node:assert/strict";
import fc from "fast-check";
import { canonicalJson } from "../../supabase/functions/_durable_responses/model/canonical.ts";

Deno.test("the order of keys makes no difference, at any depth", () => {
  assert.equal(
    canonicalJson({ b: [{ d: 1, c: null }], a: "x" }),
    canonicalJson({ a: "x", b: [{ c: null, d: 1 }] }),
  );
});

Deno.test("the order of a list does", () => {
  assert.notEqual(canonicalJson([1, 2]), canonicalJson([2, 1]));
});

Deno.test("it is JSON of the same value", () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => {
    assert.deepEqual(JSON.parse(canonicalJson(value)), JSON.parse(JSON.stringify(value)));
  }));
});

Deno.test("equal values give equal text, and only they", () => {
  fc.assert(fc.property(fc.jsonValue(), fc.jsonValue(), (one, other) => {
    assert.equal(
      canonicalJson(one) === canonicalJson(other),
      isEqual(JSON.parse(JSON.stringify(one)), JSON.parse(JSON.stringify(other))),
    );
  }));
});

function isEqual(one: unknown, other: unknown): boolean {
  try {
    assert.deepStrictEqual(one, other);
    return true;
  } catch (error) {
    if (error instanceof assert.AssertionError) return false;
    throw error;
  }
}
