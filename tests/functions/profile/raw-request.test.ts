/** A whole Responses request from a server: what is accepted, and what must not be stored. */
import assert from "node:assert/strict";
import { RequestError } from "../../../supabase/functions/_durable_responses/platform/errors.ts";
import { planFor } from "../../../supabase/functions/_durable_responses/profiles/plan.ts";
import { profiles } from "../../../supabase/functions/_shared/profiles.ts";

Deno.env.set("MAILBOX_MCP_URL", "https://mcp.example/mcp");
Deno.env.set("MAILBOX_MCP_TOKEN", "mailbox-token-of-the-test");

type Raw = Record<string, unknown>;

const plan = (request: Raw) => planFor(profiles, { profile: "default", input: null, request });
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

for (
  const [name, more] of [
    ["beside a reference", {
      headers: { Authorization: "{{MAILBOX_MCP_TOKEN}} abcdefgh-1234567890-abc" },
    }],
    ["as the address's user", { server_url: "https://abc:def@mcp.example/mcp" }],
    ["as a password in front of a reference", { server_url: "https://abc@{{MAILBOX_MCP_URL}}" }],
    ["in the address's query", { server_url: "https://mcp.example/mcp?read_only=1&apiKey=abc" }],
    ["in the query after a reference", { server_url: "{{MAILBOX_MCP_URL}}?access_token=abc" }],
    ["in the address's path", { server_url: "https://mcp.example/sk-abcdefgh12345/mcp" }],
    ["in the description", { server_description: "the key is sk-abcdefgh12345" }],
    ["in the label", { server_label: "sk-abcdefgh12345" }],
    ["in the names of tools", { allowed_tools: { tool_names: ["find", "sk-abcdefgh12345"] } }],
    ["deep in a schema", { parameters: { properties: { a: { default: "sk-abcdefgh12345" } } } }],
    ["as a name in a schema", { parameters: { properties: { "sk-abcdefgh12345": {} } } }],
    ["in a part of another name", { api_key: "abc" }],
    ["in a part named token", { access_token: "abc" }],
  ] as const
) {
  Deno.test(`a credential ${name} is refused, and not repeated`, async () => {
    const error = await refusal(mcp(more));
    assert.match(error.hint ?? "", /\{\{/);
    assert.ok(!/abc|sk-/.test(error.message), error.message);
  });
}

Deno.test("an address with a query that is no credential, or refers to one, is accepted", async () => {
  for (
    const server_url of [
      "https://mcp.supabase.com/mcp?project_ref=abcdefghijklmnopqrst&read_only=true&features=docs",
      "https://mcp.example/mcp?token={{MAILBOX_MCP_TOKEN}}",
      "{{MAILBOX_MCP_URL}}",
      "{{MAILBOX_MCP_URL}}?monkey=1",
      // Private addresses are allowed, because OpenAI makes the call, or the adopter's own gateway.
      "http://127.0.0.1:8080/mcp",
      "http://[::1]/mcp",
    ]
  ) assert.ok((await plan(mcp({ server_url }))).body.tools);
});

Deno.test("an address that is none, or of another scheme, is refused", async () => {
  for (const server_url of ["", "mcp.example", "ftp://mcp.example", "file:///etc/passwd", "//x"]) {
    await refusal(mcp({ server_url }));
  }
});

Deno.test("a header that would be two is refused by its name, too", async () => {
  for (const name of ["a\r\nx", "a b", "", "a:b", "é"]) {
    await refusal(mcp({ headers: { [name]: "{{MAILBOX_MCP_TOKEN}}" } }));
  }
});

Deno.test("a secret with a line break is not put into a header", async () => {
  const request = mcp({ headers: { Authorization: "Bearer {{MAILBOX_MCP_TOKEN}}" } });
  Deno.env.set("MAILBOX_MCP_TOKEN", "mailbox-token\r\nx-admin: 1");
  try {
    await assert.rejects(
      plan(request),
      (error) =>
        error instanceof RequestError && error.code === "not_configured" &&
        !error.message.includes("x-admin"),
    );
  } finally {
    Deno.env.set("MAILBOX_MCP_TOKEN", "mailbox-token-of-the-test");
  }
});

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

Deno.test("14 pairs of metadata are accepted, and more are refused: two are ours", async () => {
  const pairs = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, n) => [`k${n}`, "v"]));
  await plan({ model: "o3", input: "hi", metadata: pairs(14) });
  for (const count of [15, 16]) {
    const { message } = await refusal({ model: "o3", input: "hi", metadata: pairs(count) });
    assert.match(message, new RegExp(`${count} pairs.*at most 14`));
  }
});
