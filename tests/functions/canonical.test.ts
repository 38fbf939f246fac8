/** Two texts have one canonical form if and only if they say the same. */
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  canonicalJson,
  canonicalOfValue,
  lostByParsing,
} from "../../supabase/functions/_durable_responses/model/canonical.ts";

Deno.test("the order of keys makes no difference, at any depth", () => {
  assert.equal(
    canonicalOfValue({ b: [{ d: 1, c: null }], a: "x" }),
    canonicalOfValue({ a: "x", b: [{ c: null, d: 1 }] }),
  );
});

Deno.test("the order of a list does", () => {
  assert.notEqual(canonicalOfValue([1, 2]), canonicalOfValue([2, 1]));
});

Deno.test("it is JSON of the same value", () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => {
    assert.deepEqual(JSON.parse(canonicalOfValue(value)), JSON.parse(JSON.stringify(value)));
  }));
});

Deno.test("equal values give equal text, and only they", () => {
  fc.assert(fc.property(fc.jsonValue(), fc.jsonValue(), (one, other) => {
    assert.equal(
      canonicalOfValue(one) === canonicalOfValue(other),
      isEqual(JSON.parse(JSON.stringify(one)), JSON.parse(JSON.stringify(other))),
    );
  }));
});

const different: [string, string, string][] = [
  ["integers above 2^53", "9007199254740993", "9007199254740992"],
  ["integers of thirty digits", `{"id":${"9".repeat(30)}}`, `{"id":${"9".repeat(29)}8}`],
  ["1.0 and 1", "[1.0]", "[1]"],
  ["numbers beyond a double", "1e400", "1e500"],
  ["0 and -0", "0", "-0"],
  ["a key that occurs twice and one that occurs once", '{"a":1,"a":2}', '{"a":2}'],
  ["two equal keys in another order", '{"a":1,"a":2}', '{"a":2,"a":1}'],
  ["a number and its text", "1", '"1"'],
  ["halves of different pairs", '"\\ud800"', '"\\udbff"'],
  ["half a pair and the replacement character", '"\\ud800"', '"\ufffd"'],
  ["half a pair and its escape as text", '"\\ud800"', '"\\\\ud800"'],
  ["nothing and an empty object", "", "{}"],
  ["an empty object and an empty list", "{}", "[]"],
  ["cut off at different places", '{"to":"a', '{"to":"ab'],
  ["JSON and the same with a comma too many", "[1]", "[1,]"],
  ["true and the word in quotes", "true", '"true"'],
  ["a text and the form of that text", "x", '#"x"'],
  ["white space within a string", '"a b"', '"a  b"'],
  ["upper and lower case e", "1E5", "1e5"],
  ["`__proto__` and nothing", '{"__proto__":{"a":1}}', "{}"],
];
for (const [name, one, other] of different) {
  Deno.test(`different: ${name}`, () => {
    assert.notEqual(canonicalJson(one), canonicalJson(other));
  });
}

const equal: [string, string, string][] = [
  ["white space", ' { "a" : [ 1 ,\n2 ] }\t', '{"a":[1,2]}'],
  ["escapes of letters", '"\\u0041\\/"', '"A/"'],
  ["escapes in keys", '{"\\u0041":1,"0":2}', '{"0":2,"A":1}'],
  ["a pair, escaped or not", '"\\ud83d\\ude00"', '"😀"'],
  ["quotes and backslashes in strings", '{"b":"\\\\\\"","a":"\\\\"}', '{"a":"\\\\","b":"\\\\\\""}'],
  ["brackets in strings", '{"b":"}","a":"[{,:"}', '{"a":"[{,:","b":"}"}'],
];
for (const [name, one, other] of equal) {
  Deno.test(`equal: ${name}`, () => assert.equal(canonicalJson(one), canonicalJson(other)));
}

Deno.test("the form of a form is the form, and a plain text's is no JSON", () => {
  fc.assert(fc.property(fc.oneof(fc.json(), fc.string({ unit: "binary" })), (text) => {
    const form = canonicalJson(text);
    if (form.startsWith("#")) assert.throws(() => JSON.parse(form), SyntaxError);
    else assert.equal(canonicalJson(form), form);
  }));
});

Deno.test("white space between tokens, and the order of distinct keys, never count", () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => {
    const parsed: unknown = JSON.parse(JSON.stringify(value));
    assert.equal(canonicalJson(JSON.stringify(reversed(parsed), null, 3)), canonicalOfValue(value));
  }));
});

Deno.test("raw numbers, of whatever length, are told apart by how they are written", () => {
  const number = fc.stringMatching(/^-?(0|[1-9]\d{0,40})(\.\d{1,20})?([eE][+-]?\d{1,4})?$/);
  fc.assert(fc.property(number, number, (one, other) => {
    const call = (raw: string) => canonicalJson(`{"amount": ${raw}}`);
    assert.equal(call(one) === call(other), one === other);
  }));
});

Deno.test("the form can be stored as it is: no NUL, no half of a pair", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), fc.integer({ min: 0xd800, max: 0xdfff }), (
    text,
    half,
  ) => {
    const odd = `${text}\0${String.fromCharCode(half)}`;
    for (const form of [canonicalJson(odd), canonicalOfValue({ [odd]: odd })]) {
      assert.ok(form.isWellFormed() && !form.includes("\0"));
    }
  }));
});

const lossy: [string, RegExp | undefined][] = [
  ['{"to": "a@x.example", "to": "b@y.example"}', /the key "to" occurs twice/],
  ['{"\\u0074o": 1, "to": 2}', /the key "to" occurs twice/],
  ['[{"a": {"b": 1, "c": [], "b": 2}}]', /the key "b" occurs twice/],
  ['{"account": 9007199254740993}', /the number 9007199254740993 cannot/],
  ['{"account": -90071992547409930.0}', /cannot be represented exactly/],
  ["[1, 123456789012345678e1]", /cannot be represented exactly/],
  ['{"amount": 1e400}', /cannot be represented exactly/],
  ['{"a": {"x": 1}, "b": {"x": 1}, "c": [{"x": "x"}, {"x": "x"}]}', undefined],
  ['{"a": "a", "b": ["a", "a"], "text": "9007199254740993"}', undefined],
  [
    '{"n": [9007199254740991, -9007199254740991, 1e3, 0.1, 52.520006599999997, -0, 1.0]}',
    undefined,
  ],
  ['"to"', undefined],
  ["[]", undefined],
];
for (const [text, lost] of lossy) {
  Deno.test(`of ${text} parsing loses ${lost ?? "nothing"}`, () => {
    if (lost === undefined) assert.equal(lostByParsing(text), undefined);
    else assert.match(lostByParsing(text) ?? "", lost);
  });
}

Deno.test("of what JSON.stringify writes, parsing loses nothing", () => {
  const value = fc.jsonValue({ maxDepth: 6 }).filter((given) =>
    !/\de\+|\d{16}/.test(JSON.stringify(given))
  );
  fc.assert(fc.property(value, (given) => {
    assert.equal(lostByParsing(JSON.stringify(given)), undefined);
  }));
});

Deno.test("neither depth nor length is too much", () => {
  for (const depth of [900, 5_000, 200_000]) {
    const text = `${"[".repeat(depth)}1${"]".repeat(depth)}`;
    assert.equal(canonicalJson(text), canonicalJson(text));
    assert.notEqual(canonicalJson(text), canonicalJson(text.replace("1", "2")));
  }
  const long = JSON.stringify({ text: 'a"\\'.repeat(700_000), list: Array(100_000).fill(1.5) });
  assert.equal(JSON.parse(canonicalJson(long)).text.length, 2_100_000);
});

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).reverse().map(([key, entry]) => [key, reversed(entry)]),
  );
}

function isEqual(one: unknown, other: unknown): boolean {
  try {
    assert.deepStrictEqual(one, other);
    return true;
  } catch (error) {
    if (error instanceof assert.AssertionError) return false;
    throw error;
  }
}
