/** No credential is ever shown, whether it is one of ours or only looks like one. */
import assert from "node:assert/strict";
import { log } from "../../supabase/functions/_durable_responses/platform/log.ts";
import {
  maskCredentials,
  redact,
  rememberCredential,
  rememberSecret,
} from "../../supabase/functions/_durable_responses/platform/redact.ts";

for (
  const [name, secret] of [
    ["an OpenAI key", "sk-proj-Abc_123-456789"],
    ["a Supabase secret key", "sb_secret_Abc_123-456"],
    ["a webhook secret", "whsec_dGVzdA+/="],
    ["a JWT", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"],
  ] as const
) {
  Deno.test(`${name} is masked anywhere`, () => {
    for (const text of [secret, `key ${secret}, that is`, `"${secret}"`, `x=${secret}&y=1`]) {
      assert.ok(!redact(text).includes(secret), redact(text));
    }
    assert.equal(redact(`before ${secret} after`), "before *** after");
  });
}

Deno.test("a reference to a secret is none: a hint that shows one can be read", () => {
  for (const text of ['{"Authorization": "Bearer {{MAILBOX_MCP_TOKEN}}"}', "Bearer {{A}}"]) {
    assert.equal(redact(text), text);
  }
  assert.equal(redact("Bearer {{A}}abc"), "Bearer ***");
});

Deno.test("what follows Bearer is masked, in any case", () => {
  assert.equal(redact('{"Authorization":"bearer opaque-123"}'), '{"Authorization":"bearer ***"}');
});

Deno.test("a remembered secret is masked, every time it occurs", () => {
  rememberSecret("correct horse");
  assert.equal(redact("correct horse, correct horse"), "***, ***");
});

Deno.test("a secret that begins with another one is masked to its end", () => {
  rememberSecret("hunter-2");
  rememberSecret("hunter-2-of-production");
  assert.equal(redact("it is hunter-2-of-production"), "it is ***");
});

Deno.test("a key with line breaks and quotes is masked inside JSON too", () => {
  const key = '-----BEGIN KEY-----\nMIIE"pq\n-----END KEY-----';
  rememberSecret(key);
  assert.equal(redact(JSON.stringify({ key })), '{"key":"***"}');
  assert.equal(redact(`key: ${key}`), "key: ***");
});

Deno.test("a secret in an address is masked", () => {
  rememberSecret("p/s+w rd=1");
  assert.equal(redact("https://x/?key=p%2Fs%2Bw%20rd%3D1"), "https://x/?key=***");
});

Deno.test("what is stored as a result loses our credentials, and nothing that only looks like one", () => {
  rememberSecret("anna@example.com");
  rememberCredential("mcp-credential-1");
  const said = "anna@example.com has sk-their-own-key, Bearer xyz and mcp-credential-1";
  assert.equal(
    maskCredentials(said),
    "anna@example.com has sk-their-own-key, Bearer xyz and ***",
  );
  assert.ok(!redact(said).includes("anna"));
});

Deno.test("a megabyte of what is nearly a credential takes no time", () => {
  for (const part of ["eyJ-", "eyJa.", "eyJa.b", " ", "Bearer ", "Bearer", "sk-", "a", "\n"]) {
    const text = part.repeat(1_000_000 / part.length);
    const started = performance.now();
    redact(text);
    const took = performance.now() - started;
    assert.ok(took < 3_000, `${part} took ${took} ms`);
  }
});

Deno.test("a value too short to be a secret leaves ordinary words alone", () => {
  rememberSecret("mail");
  assert.equal(redact("the mail profile"), "the mail profile");
});

Deno.test("a log line has no secret in any field", () => {
  rememberSecret("planted-secret-1");
  const lines: string[] = [];
  const original = console.warn;
  console.warn = (line: string) => void lines.push(line);
  try {
    log.warn("with planted-secret-1", { error: "Error: planted-secret-1", bearer: "Bearer abc" });
  } finally {
    console.warn = original;
  }
  assert.equal(lines.length, 1);
  const [line = ""] = lines;
  assert.ok(!line.includes("planted-secret-1") && !line.includes("abc"), line);
});
