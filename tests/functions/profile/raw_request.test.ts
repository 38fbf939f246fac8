/** A whole Responses request from a server: what is accepted, and what must not be stored. */
import assert from "node:assert/strict";
import { RequestError } from "../../../supabase/functions/_shared/errors.ts";
import { planFor } from "../../../supabase/functions/_shared/profile/resolve.ts";

Deno.env.set("MAILBOX_MCP_URL", "https://mcp.example/mcp");
Deno.env.set("MAILBOX_MCP_TOKEN", "mailbox-token-of-the-test");

type Raw = Record<string, unknown>;

const plan = (request: Raw) => planFor({ profile: "default", input: null, request });
const mcp = (more: Raw): Raw => ({
  model: "o3",
  input: "hi",
  tools: [{ type: "mcp", server_label: "mailbox", server_url: "https://mcp.example", ...more }],
});

async function refusal(request: Raw): Promise<RequestError> {
  const error = await plan(request).then(() => assert.fail("it was accepted"), (e: unknown) => e);
  if (!(error instanceof RequestError)) throw error;
  assert.equal(error.code, "invalid_request");
  return error;
}

Deno.test("it goes to OpenAI as it came, with nothing of the profile", async () => {
  const request = { model: "o3", input: "hi", temperature: 0.5, metadata: { a: "1" } };
  assert.deepEqual((await plan(request)).body, request);
});

Deno.test("how a run is made is not its to say, but whether in background is", async () => {
  const request = { model: "o3", input: "hi", stream: true, store: false, background: false };
  const { body, background } = await plan(request);
  assert.deepEqual(body, { model: "o3", input: "hi" });
  assert.equal(background, false);
  assert.equal((await plan({ model: "o3", input: "hi" })).background, true);
});

Deno.test("a reference in a tool is filled in", async () => {
  const { body } = await plan(mcp({ headers: { Authorization: "Bearer {{MAILBOX_MCP_TOKEN}}" } }));
  assert.match(JSON.stringify(body), /Bearer mailbox-token-of-the-test/);
});

Deno.test("a reference outside tools is text", async () => {
  const request = { model: "o3", input: "say {{MAILBOX_MCP_TOKEN}}", instructions: "{{HOME}}" };
  assert.deepEqual((await plan(request)).body, request);
});

for (
  const [name, more] of [
    ["a header", { headers: { Authorization: "Bearer abc" } }],
    ["authorization", { authorization: "abc" }],
    ["one header of two", { headers: { a: "{{MAILBOX_MCP_TOKEN}}", b: "abc" } }],
  ] as const
) {
  Deno.test(`a credential in ${name} is refused, and not repeated`, async () => {
    const error = await refusal(mcp(more));
    assert.match(error.hint ?? "", /\{\{/);
    assert.ok(!error.message.includes("abc"));
  });
}

Deno.test("a secret that no profile refers to is refused", async () => {
  for (const name of ["OPENAI_API_KEY", "SUPABASE_SERVICE_ROLE_KEY"]) {
    const error = await refusal(mcp({ headers: { Authorization: `Bearer {{${name}}}` } }));
    assert.match(error.message, new RegExp(name));
    await refusal(mcp({ server_url: `https://evil.example/{{${name}}}` }));
  }
});

Deno.test("a line break in a header is refused", async () => {
  await refusal(mcp({ headers: { a: "{{MAILBOX_MCP_TOKEN}}\r\nx: 1" } }));
});

for (
  const [name, request] of [
    ["an empty input", { model: "o3", input: "" }],
    ["an empty list", { model: "o3", input: [] }],
    ["tools that are no list", { model: "o3", input: "hi", tools: {} }],
    ["headers that are no strings", mcp({ headers: { a: 1 } })],
    ["metadata of another type", { model: "o3", input: "hi", metadata: { a: 1 } }],
  ] as const
) {
  Deno.test(`a request with ${name} is refused`, async () => {
    await refusal(request);
  });
}
