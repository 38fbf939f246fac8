/** What a final response means for its job. */
import assert from "node:assert/strict";
import { z } from "zod";
import { parseUpstreamResponse } from "../../../supabase/functions/_durable_responses/model/upstream-response.ts";
import { judge } from "../../../supabase/functions/_durable_responses/openai/verdict.ts";

const schema = z.object({ topic: z.enum(["billing", "other"]), urgent: z.boolean() });

function response(status: string, text = "", more: Record<string, unknown> = {}) {
  const output = [{ type: "message", content: [{ type: "output_text", text }] }];
  return parseUpstreamResponse({ id: "resp_1", status, output, ...more });
}

Deno.test("completed without a schema is a result", () => {
  assert.deepEqual(judge(response("completed", "hello"), undefined), {
    kind: "complete",
    parsed: null,
  });
});

Deno.test("completed that fits the schema is a result, parsed", () => {
  const text = '{"topic":"billing","urgent":true}';
  assert.deepEqual(judge(response("completed", text), schema), {
    kind: "complete",
    parsed: { topic: "billing", urgent: true },
  });
});

for (const status of ["completed", "incomplete"]) {
  Deno.test(`${status} with nothing but an error is that error`, () => {
    const error = { code: "insufficient_quota", message: "no credit" };
    const verdict = judge(parseUpstreamResponse({ status, output: [], error }), undefined);
    assert.equal(verdict.kind === "fail" && verdict.failure.code, "openai_quota_exceeded");
  });
}

Deno.test("a response without an id is told without one", () => {
  const verdict = judge(parseUpstreamResponse({ status: "completed", output: [] }), undefined);
  assert.ok(verdict.kind === "fail");
  assert.match(verdict.failure.message, /: the response completed with nothing in it$/);
});

for (
  const [name, text, says] of [
    ["is not JSON", "Billing, and urgent", /not JSON/],
    ["lacks a field", '{"topic":"billing"}', /'urgent'/],
    ["has another value", '{"topic":"cats","urgent":true}', /'topic'/],
  ] as const
) {
  Deno.test(`completed that ${name} where a schema is set is output_invalid`, () => {
    const verdict = judge(response("completed", text), schema);
    assert.ok(verdict.kind === "fail");
    assert.deepEqual([verdict.failure.code, verdict.failure.class], [
      "output_invalid",
      "transient",
    ]);
    assert.match(verdict.failure.message, says);
  });
}

for (
  const [status, more, code, failureClass] of [
    [
      "failed",
      { error: { code: "server_error", message: "no" } },
      "openai_server_error",
      "transient",
    ],
    [
      "incomplete",
      { incomplete_details: { reason: "content_filter" } },
      "response_incomplete",
      "permanent",
    ],
    ["incomplete", {}, "response_incomplete", "permanent"],
    ["cancelled", {}, "response_cancelled", "transient"],
    ["in_progress", {}, "stream_cut", "transient"],
    ["queued", {}, "stream_cut", "transient"],
  ] as const
) {
  Deno.test(`${status} ${JSON.stringify(more)} is ${code}`, () => {
    const verdict = judge(response(status, "", more), undefined);
    assert.ok(verdict.kind === "fail");
    assert.deepEqual([verdict.failure.code, verdict.failure.class], [code, failureClass]);
  });
}

Deno.test("an image that failed is no answer, and one that is there is", () => {
  const image = (status: string, result: string | null) =>
    judge(
      parseUpstreamResponse({
        id: "resp_1",
        status: "completed",
        output: [{ type: "image_generation_call", id: "ig_1", status, result }],
      }),
      undefined,
    );
  const failed = image("failed", null);
  assert.equal(failed.kind === "fail" && failed.failure.code, "answer_empty");
  assert.equal(image("completed", "AAAA").kind, "complete");
});
