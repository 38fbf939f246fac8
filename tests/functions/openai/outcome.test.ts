/** What is read from a response, whatever call or event it came with. */
import assert from "node:assert/strict";
import {
  isFinalUpstream,
  parseUpstreamResponse,
} from "../../../supabase/functions/_durable_responses/model/upstream-response.ts";
import { $ZodError } from "../../../supabase/functions/_durable_responses/model/zod.ts";

const message = (...texts: string[]) => ({
  type: "message",
  role: "assistant",
  content: texts.map((text) => ({ type: "output_text", text, annotations: [] })),
});

Deno.test("a bare response has empty defaults", () => {
  assert.deepEqual(parseUpstreamResponse({ id: "resp_1", status: "queued" }), {
    id: "resp_1",
    status: "queued",
    output: [],
    outputIsList: false,
    outputText: "",
    refusal: null,
    usage: null,
    error: null,
    incompleteReason: null,
    metadata: {},
  });
});

Deno.test("the text is that of all messages, and of nothing else", () => {
  const { outputText } = parseUpstreamResponse({
    id: "resp_1",
    status: "completed",
    output: [
      { type: "reasoning", summary: [{ type: "summary_text", text: "no" }] },
      message("one ", "two "),
      { type: "mcp_call", output: "no" },
      { type: "message", content: [{ type: "annotation", text: "no" }] },
      message("three"),
    ],
  });
  assert.equal(outputText, "one two \n\nthree");
});

Deno.test("what others have said is not the answer, also if a server repeats it in the output", () => {
  const said = (role: string) => ({ ...message(`${role} `), role });
  const output = [said("system"), said("user"), message("the answer"), said("tool")];
  const { outputText } = parseUpstreamResponse({ id: "resp_1", status: "completed", output });
  assert.equal(outputText, "the answer");
});

Deno.test("an empty final answer hides no other text, and commentary is still none", () => {
  const final = { ...message(""), phase: "final_answer" };
  const textOf = (...output: unknown[]) =>
    parseUpstreamResponse({ id: "resp_1", status: "completed", output }).outputText;
  assert.equal(textOf(message("the answer"), final), "the answer");
  assert.equal(textOf({ ...message("so far"), phase: "commentary" }, final), "");
});

Deno.test("items keep every field that they came with", () => {
  const call = { type: "mcp_call", id: "mcp_1", name: "find", error: null, new_field: [1] };
  const { output } = parseUpstreamResponse({ id: "resp_1", status: "completed", output: [call] });
  assert.deepEqual(output, [call]);
});

Deno.test("error, reason, usage and metadata are taken over; null is as good as absent", () => {
  const outcome = parseUpstreamResponse({
    id: "resp_1",
    status: "incomplete",
    output: [],
    usage: { input_tokens: 1 },
    error: { code: "server_error", message: "no", param: null },
    incomplete_details: { reason: "max_output_tokens" },
    metadata: { job: "1" },
  });
  assert.deepEqual(outcome.error, {
    code: "server_error",
    type: null,
    param: null,
    message: "no",
    retryAfterMs: null,
  });
  assert.equal(outcome.incompleteReason, "max_output_tokens");
  assert.deepEqual(outcome.usage, { input_tokens: 1 });
  assert.deepEqual(outcome.metadata, { job: "1" });
  const bare = { id: "r", status: "failed", usage: null, error: null, metadata: null };
  assert.equal(parseUpstreamResponse({ ...bare, incomplete_details: null }).error, null);
});

Deno.test("what is not a response is refused", () => {
  for (const wrong of [undefined, "text", {}, { id: "resp_1", status: null }]) {
    assert.throws(() => parseUpstreamResponse(wrong), (error) => error instanceof $ZodError);
  }
});

Deno.test("a status that nobody knows is no end", () => {
  const outcome = parseUpstreamResponse({ id: "resp_1", status: "thinking" });
  assert.deepEqual([outcome.status, isFinalUpstream(outcome)], ["unknown", false]);
});

Deno.test("nothing that is odd about a response keeps it from being read", () => {
  const odd = [null, 7, "text", [null, 3, {}], { a: 1 }, true];
  for (const value of odd) {
    for (const field of ["output", "error", "usage", "metadata", "incomplete_details", "id"]) {
      const outcome = parseUpstreamResponse({ status: "completed", [field]: value });
      assert.equal(outcome.status, "completed");
      assert.ok(outcome.output.every(({ type }) => typeof type === "string"));
    }
  }
});

Deno.test("the answer is what is final, else what has no phase; commentary is only output", () => {
  const said = (text: string, phase?: string | null) => ({ ...message(text), phase });
  const textOf = (...output: unknown[]) =>
    parseUpstreamResponse({ id: "r", status: "completed", output }).outputText;
  assert.equal(textOf(said("looking", "commentary"), said("here", "final_answer")), "here");
  assert.equal(
    textOf(said("looking", "commentary"), said("here"), said("and here", null)),
    "here\n\nand here",
  );
  assert.equal(textOf(said("looking", "commentary")), "");
  assert.equal(textOf(said("here", "a phase of next year")), "here");
});

Deno.test("a refusal is told as one, and is no text", () => {
  const outcome = parseUpstreamResponse({
    id: "r",
    status: "completed",
    output: [{ type: "message", content: [{ type: "refusal", refusal: "I will not" }] }],
  });
  assert.deepEqual([outcome.refusal, outcome.outputText], ["I will not", ""]);
});
