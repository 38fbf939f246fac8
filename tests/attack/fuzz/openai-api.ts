/** `/respond/v1`, the OpenAI-compatible endpoint. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { countJobs } from "../../support/jobs.ts";
import type { TestStack } from "../../support/stack.ts";
import { bodyOf, headerValue, items, json, nearly, text } from "../support/arbitraries.ts";
import { forAllAtOnce } from "../support/fuzz.ts";
import { assertOpenAIRefusal, see } from "../support/refusals.ts";

/** Anything but `true`: a stream of a job that stays stuck would last as long as its worker. */
const noStream = fc.oneof(fc.constantFrom(false, null, "true", 1, "yes"), json).filter((value) =>
  value !== true
);

const approvals = fc.record({
  type: fc.constant("mcp_approval_response"),
  approval_request_id: nearly(text),
  approve: nearly(fc.boolean()),
}, { requiredKeys: ["type"] });
const outputs = fc.record({
  type: fc.constantFrom(
    "function_call_output",
    "custom_tool_call_output",
    "local_shell_call_output",
    "shell_call_output",
    "computer_call_output",
    "apply_patch_call_output",
  ),
  call_id: nearly(fc.oneof(text, fc.constant("call_1"))),
  id: nearly(text),
  output: nearly(text),
}, { requiredKeys: ["type"] });

const create = bodyOf(fc.oneof(
  // Correct, except for the content of its texts.
  fc.record({
    model: fc.constant("plain"),
    background: fc.constant(true),
    input: text.map((given) => `hi ${given}`),
    metadata: fc.dictionary(text.map((key) => key.slice(0, 64)), text),
  }, { requiredKeys: ["model", "background", "input"] }),
  fc.record({
    model: nearly(fc.constantFrom("plain", "plain", "default", "gpt-6.1-sol", "toString")),
    input: nearly(fc.oneof(text, items)),
    background: fc.constant(true),
    stream: noStream,
    store: nearly(fc.constant(true)),
    metadata: nearly(fc.dictionary(text, text)),
    previous_response_id: nearly(fc.uuid().map((id) => `resp_${id.replaceAll("-", "")}`)),
    tools: json,
    temperature: json,
    instructions: json,
  }, { requiredKeys: ["background"] }),
  // What a profile may leave to callers, and tools that name those of the profile, or nearly.
  fc.record({
    model: fc.constantFrom("open", "plain", "mail"),
    input: fc.constant("hi"),
    background: fc.constant(true),
    instructions: nearly(text),
    text: nearly(fc.record({
      format: nearly(fc.record({ type: fc.constant("json_schema"), name: text, schema: json })),
      verbosity: json,
    }, { requiredKeys: [] })),
    reasoning: json,
    max_output_tokens: nearly(fc.integer()),
    tools: nearly(fc.array(
      nearly(fc.record({
        type: nearly(fc.constantFrom("mcp", "function", "web_search")),
        server_label: nearly(fc.constant("mailbox")),
        server_url: json,
        allowed_tools: nearly(fc.array(fc.constant("gmail_find_email"))),
        require_approval: nearly(fc.constantFrom("always", "never")),
        headers: json,
        name: json,
      }, { requiredKeys: ["type"] })),
      { maxLength: 3 },
    )),
    include: nearly(fc.array(fc.constant("reasoning.encrypted_content"))),
    service_tier: nearly(fc.constantFrom("auto", "default", "flex")),
    user: json,
  }, { requiredKeys: ["model", "input", "background"] }),
  // Items that name stored ones, or nearly.
  fc.record({
    model: fc.constant("plain"),
    background: fc.constant(true),
    input: fc.array(
      fc.record({
        type: nearly(fc.constantFrom("item_reference", "message", "mcp_call", "reasoning")),
        id: nearly(
          fc.tuple(
            fc.constantFrom("msg", "rs", "mcp", "mcpr", "mcpl", "x"),
            fc.uuid(),
            fc.nat(),
          ).map(([kind, job, place]) => `${kind}_${job.replaceAll("-", "")}_${place}`),
        ),
        role: nearly(fc.constantFrom("user", "assistant", "system", "developer")),
        content: nearly(text),
      }, { requiredKeys: [] }),
      { minLength: 1, maxLength: 4 },
    ),
  }, { requiredKeys: ["model", "background", "input"] }),
  fc.record({
    model: fc.constant("plain"),
    background: fc.constant(true),
    previous_response_id: fc.oneof(text, fc.uuid()),
    input: fc.array(fc.oneof(approvals, outputs), { minLength: 1, maxLength: 4 }),
  }, { requiredKeys: ["model", "background", "input"] }),
));

const createHeaders = fc.record({
  "idempotency-key": headerValue,
  "x-stainless-retry-count": headerValue,
  "openai-beta": headerValue,
  "x-owner-id": fc.oneof(headerValue, fc.uuid()),
}, { requiredKeys: [] });

export function fuzzOpenAIApi(theStack: () => TestStack): void {
  const send = (path: string, token: string, init: RequestInit) =>
    see(
      fetch(`${theStack().stack.functionsUrl}/respond/v1${path}`, {
        ...init,
        headers: { ...init.headers, authorization: `Bearer ${token}` },
      }),
    );

  Deno.test("fuzz: whatever is created by /v1/responses is a response, or a 4xx in OpenAI's shape and no row", async () => {
    const { stack, sql } = theStack();
    // A new user, because an Idempotency-Key that another attack has used would return that job.
    const user = await stack.createUser();
    const before = await countJobs(sql);
    const accepted = new Set<string>();
    await forAllAtOnce(fc.tuple(create, createHeaders), 400, async ([body, headers]) => {
      const seen = await send("/responses", user.token, { method: "POST", body, headers });
      if (seen.status !== 200) return assertOpenAIRefusal(seen);
      const response: unknown = JSON.parse(seen.text);
      assert.ok(typeof response === "object" && response !== null && "id" in response);
      accepted.add(String(response.id));
    });
    assert.equal(await countJobs(sql) - before, accepted.size);
    assert.ok(accepted.size > 0, "the attack never came past the checks");
  });

  Deno.test("fuzz: any /v1 path, query and method of another user: a 4xx in OpenAI's shape", async () => {
    const { stack, submit, sql } = theStack();
    const theirs = (await submit("plain", "hi")).id;
    const other = await stack.createUser();
    const before = await countJobs(sql);
    const id = fc.oneof(
      fc.constantFrom(theirs, `resp_${theirs.replaceAll("-", "")}`, "resp_", "resp_x"),
      text.map((given) => encodeURIComponent(given.toWellFormed()) || "x"),
    );
    const action = fc.constantFrom(
      "",
      "/cancel",
      "/input_items",
      "/delete",
      "/%2e%2e%2f",
      "/cancel/x",
    );
    const query = fc.record({
      stream: fc.constantFrom("true", "1"),
      starting_after: text,
      limit: text,
      after: text,
      order: text,
    }, { requiredKeys: [] }).map((given) =>
      new URLSearchParams(
        Object.entries(given).map(([name, value]) => [name, value.toWellFormed()]),
      ).toString()
    );
    const method = fc.constantFrom("GET", "POST", "DELETE", "PUT", "HEAD", "FOO");
    await forAllAtOnce(
      fc.tuple(id, action, query, method),
      600,
      async ([id, action, query, method]) => {
        const seen = await send(`/responses/${id}${action}?${query}`, other.token, { method });
        assertOpenAIRefusal(seen);
      },
    );
    assert.equal(await countJobs(sql), before);
  });
}
