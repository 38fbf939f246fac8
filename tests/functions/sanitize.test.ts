/** Everything that goes to the database can be stored: no character, depth or length in an answer costs a run its result. */
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  masked,
  maxDepth,
  maxTextChars,
  nestingMark,
  sanitize,
} from "../../supabase/functions/_durable_responses/db/sanitize.ts";
import { rememberCredential } from "../../supabase/functions/_durable_responses/platform/redact.ts";

function nested(depth: number): unknown {
  let value: unknown = "core";
  for (let level = 0; level < depth; level++) value = level % 2 ? [value] : { value };
  return value;
}

Deno.test("what can be stored stays as it is, and the same object", () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => {
    const { value: kept, changed } = sanitize(value);
    if (changed.length === 0) assert.equal(kept, value);
  }));
  const plain = { a: [1, null, "x", { b: true }] };
  assert.equal(sanitize(plain).value, plain);
});

Deno.test("NUL and halves of pairs become U+FFFD, in keys too; whole pairs stay", () => {
  const { value, changed } = sanitize({ "a\0": ["\ud800x", "😀"], usage: { "\udc00": 1 } });
  assert.deepEqual(value, { "a\ufffd": ["\ufffdx", "😀"], usage: { "\ufffd": 1 } });
  assert.deepEqual(changed, ["characters"]);
});

Deno.test("nothing is left that Postgres does not take, whatever came", () => {
  const text = fc.array(fc.integer({ min: 0, max: 0xffff })).map((codes) =>
    String.fromCharCode(...codes)
  );
  const anything = fc.letrec((tie) => ({
    value: fc.oneof(text, fc.double(), fc.array(tie("value")), fc.dictionary(text, tie("value"))),
  })).value;
  fc.assert(fc.property(anything, (value) => {
    const stored = JSON.stringify(sanitize(value).value);
    assert.doesNotMatch(stored, /\\u0000|\\ud[89a-f]/);
  }));
});

Deno.test("nesting is cut at the limit, and no depth is too much", () => {
  assert.deepEqual(sanitize(nested(maxDepth)).changed, []);
  for (const depth of [maxDepth + 1, 5_000, 1_000_000]) {
    const { value, changed } = sanitize(nested(depth));
    assert.deepEqual(changed, ["nesting"]);
    const text = JSON.stringify(value);
    assert.ok(text.includes(nestingMark) && text.length < 2_000, text.slice(0, 100));
  }
});

Deno.test("a text that is too long is cut and says so; the whole is counted", () => {
  const { value, changed, chars } = sanitize({ a: "x".repeat(maxTextChars + 1), b: "yy" });
  assert.equal(value.a.length, maxTextChars + `… [cut: ${maxTextChars + 1} characters]`.length);
  assert.deepEqual(changed, ["size"]);
  assert.equal(chars, maxTextChars + 5);
  assert.deepEqual(sanitize("x".repeat(maxTextChars)).changed, []);
});

Deno.test("a cut does not leave half a pair", () => {
  const { value } = sanitize(`${"x".repeat(maxTextChars - 1)}😀`);
  assert.ok(value.isWellFormed());
});

Deno.test("our own credentials are masked in what a run brought back, at any depth", () => {
  rememberCredential("sesame-open-1234");
  assert.deepEqual(masked({ error: ["got sesame-open-1234"] }), { error: ["got ***"] });
  const clean = { a: ["b"] };
  assert.equal(masked(clean), clean);
  masked(nested(100_000));
});
