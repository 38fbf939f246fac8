/** What attackers send: anything, and nearly correct requests. */
import fc from "fast-check";

/** Texts of every kind: controls, NUL, half characters, references to secrets, names of Object's own members. */
export const text: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.string({ unit: "grapheme", maxLength: 40 }),
  fc.constantFrom(
    "",
    " ",
    "\0",
    "\ud800",
    "x".repeat(300),
    "{{OPENAI_API_KEY}}",
    "__proto__",
    "constructor",
    "' or 1=1 --",
    "$1",
    "null",
    "../..",
    "%00",
    "\r\nx-a: b",
    "resp_",
    "🙂".repeat(20),
  ),
);

/** Any JSON, including `__proto__` and deep nesting. */
export const json: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 6, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
  { weight: 2, arbitrary: text },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      nested(50),
      nested(150),
      JSON.parse('{"__proto__": {"a": 1}}'),
      1e308,
      -0,
      2 ** 53,
      [],
      {},
      [[]],
      [null],
    ),
  },
);

function nested(depth: number): unknown {
  return JSON.parse(`${"[".repeat(depth)}${"]".repeat(depth)}`);
}

/** Mostly `right`, otherwise anything, so that a body gets past the first check. */
export function nearly<T>(right: fc.Arbitrary<T>): fc.Arbitrary<unknown> {
  return fc.oneof({ weight: 3, arbitrary: right }, { weight: 1, arbitrary: json });
}

/** A header value that fetch accepts. */
export const headerValue: fc.Arbitrary<string> = fc.string({
  unit: fc.integer({ min: 0x20, max: 0xff }).filter((code) => code !== 0x7f).map((code) =>
    String.fromCharCode(code)
  ),
  maxLength: 60,
}).map((value) => value.trim());

/** Content as data, correct or nearly. Now and then, it is large enough to go to Storage. */
const dataUrl: fc.Arbitrary<string> = fc.tuple(
  fc.constantFrom("data:image/png;base64,", "data:image/png,", "data:;base64,", "data:a/b;base64,"),
  fc.oneof(
    { weight: 20, arbitrary: fc.base64String({ maxLength: 40 }) },
    { weight: 5, arbitrary: text },
    { weight: 1, arbitrary: fc.constant("QUJD".repeat(300_000)) },
  ),
).map((parts) => parts.join(""));

/** Input items: some that a user may send, and many that would forge history. */
export const items: fc.Arbitrary<unknown> = fc.array(
  fc.record({
    type: nearly(
      fc.constantFrom(
        "message",
        "mcp_call",
        "mcp_approval_request",
        "mcp_list_tools",
        "item_reference",
        "function_call",
        "function_call_output",
        "reasoning",
        "compaction",
        "message",
      ),
    ),
    role: nearly(fc.constantFrom("user", "assistant", "developer", "system", "tool")),
    content: nearly(fc.oneof(
      text,
      fc.array(
        fc.record({
          type: nearly(
            fc.constantFrom("input_text", "output_text", "input_image", "input_file", "refusal"),
          ),
          text: nearly(text),
          image_url: nearly(dataUrl),
          file_data: nearly(dataUrl),
          filename: nearly(text),
          storage: nearly(fc.record({ bucket: nearly(text), path: nearly(text) })),
        }, { requiredKeys: [] }),
        { maxLength: 3 },
      ),
    )),
    id: text,
    output: json,
  }, { requiredKeys: [] }),
  { maxLength: 3 },
);

/** A body: JSON, something like it, or bytes. */
export function bodyOf(
  value: fc.Arbitrary<unknown>,
): fc.Arbitrary<string | Uint8Array<ArrayBuffer>> {
  const whole = value.map((given) => JSON.stringify(given) ?? "");
  return fc.oneof(
    { weight: 8, arbitrary: whole },
    { weight: 1, arbitrary: fc.tuple(whole, fc.nat(200)).map(([body, at]) => body.slice(0, at)) },
    {
      weight: 1,
      arbitrary: fc.uint8Array({ maxLength: 200 }).map((bytes) => new Uint8Array(bytes)),
    },
    { weight: 1, arbitrary: text },
  );
}

/** An invalid token: anything, a JWT of anything, a real one with one character changed. */
export function badToken(real: string): fc.Arbitrary<string> {
  const part = (value: unknown) =>
    btoa(String.fromCharCode(...new TextEncoder().encode(JSON.stringify(value) ?? "")))
      .replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
  const alg = fc.constantFrom("ES256", "HS256", "RS256", "EdDSA", "none", "", "__proto__");
  const [header = "", payload = "", signature = ""] = real.split(".");
  return fc.oneof(
    headerValue,
    fc.tuple(
      fc.oneof(
        fc.record({ alg, kid: text, typ: fc.constant("JWT") }, { requiredKeys: [] }),
        json,
      ),
      fc.oneof(
        fc.record(
          { sub: fc.oneof(fc.uuid(), text), role: fc.constant("authenticated"), exp: json },
          {
            requiredKeys: [],
          },
        ),
        json,
      ),
    ).map(([head, claims]) => `${part(head)}.${part(claims)}.${signature}`),
    fc.tuple(fc.nat(payload.length - 1), fc.constantFrom("A", "z", "_")).map(([at, letter]) =>
      `${header}.${payload.slice(0, at)}${payload[at] === letter ? "B" : letter}${
        payload.slice(at + 1)
      }.${signature}`
    ),
    fc.constant(`${header}.${payload}.`),
    fc.constant(`${real}.${signature}`),
  );
}
