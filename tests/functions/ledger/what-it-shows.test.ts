/** What proves that a call with a yes, which a response does not show, was not made. Everything else leaves it in doubt. */
import assert from "node:assert/strict";
import { parseUpstreamResponse } from "../../../supabase/functions/_durable_responses/model/upstream-response.ts";
import { isResult } from "../../../supabase/functions/_durable_responses/openai/verdict.ts";
import { showsWhatItDid } from "../../../supabase/functions/_durable_responses/tools/what-it-shows.ts";

const said = (part: Record<string, unknown>) => ({
  type: "message",
  id: "msg_1",
  role: "assistant",
  content: [part],
});
const answer = said({ type: "output_text", text: "Done." });
const refusal = said({ type: "refusal", refusal: "I cannot." });
const thought = { type: "reasoning", id: "rs_1", summary: [] };
const list = { type: "mcp_list_tools", id: "mcpl_1", server_label: "s", tools: [] };
const call = { type: "mcp_call", id: "mcp_1", server_label: "s", name: "a", output: "ok" };
const question = { ...call, type: "mcp_approval_request" };
const search = { type: "web_search_call", id: "ws_1", status: "completed" };
const invalid = { error: { code: "invalid_request_error", message: "no" } };
const server = { error: { code: "server_error", message: "no" } };

type Case = [status: string, output: unknown, more?: Record<string, unknown>];
const proofs: Record<string, Case> = {
  "an answer": ["completed", [answer]],
  "a call and an answer": ["completed", [call, answer]],
  "a refusal": ["completed", [refusal]],
  "a question": ["completed", [question]],
  "a search": ["completed", [search]],
  "a call for others": ["completed", [{
    type: "function_call",
    id: "fc_1",
    call_id: "c",
    name: "f",
    arguments: "{}",
    status: "in_progress",
  }]],
  "an error of the request": ["failed", [list, thought], invalid],
};
const doubts: Record<string, Case> = {
  "nothing": ["completed", []],
  "no list": ["completed", null],
  "another call": ["completed", [call]],
  "another call and commentary": ["completed", [call, { ...answer, phase: "commentary" }]],
  "a call in flight": ["completed", [{ ...call, output: null, status: "in_progress" }]],
  "a search in progress": ["completed", [{ ...search, status: "in_progress" }]],
  "an image that failed": ["completed", [{
    type: "image_generation_call",
    id: "ig_1",
    status: "failed",
    result: null,
  }]],
  "a thought": ["completed", [thought]],
  "a server's error": ["failed", [], server],
  "a server's error after a search": ["failed", [search], server],
  "a server's error after a refusal": ["failed", [refusal], server],
  "an incomplete refusal": ["incomplete", [refusal]],
  "an incomplete question": ["incomplete", [question]],
  "a cancelled answer": ["cancelled", [answer]],
  "an error of the request after a call": ["failed", [call], invalid],
  "an error of the request after a search": ["failed", [search], invalid],
};
for (const [cases, proves] of [[proofs, true], [doubts, false]] as const) {
  for (const [what, [status, output, more]] of Object.entries(cases)) {
    Deno.test(`a response that ends with ${what} ${proves ? "proves that" : "leaves open whether"} a call was not made`, () => {
      const response = parseUpstreamResponse({ id: "resp_1", status, output, ...more });
      const isAnswer = isResult(response, undefined);
      assert.equal(showsWhatItDid(response, { isAnswer }), proves);
      // Whatever a stream has shown before it fails is no proof.
      const touched = showsWhatItDid(response, { isAnswer, streamed: "touched" });
      assert.equal(touched, proves && status === "completed");
    });
  }
}

Deno.test("an untouched stream that fails proves it, unless a gateway gave up", () => {
  const failed = (message: string) =>
    parseUpstreamResponse({
      id: "resp_1",
      status: "failed",
      output: [],
      error: { code: "server_error", message },
    });
  const shows = (message: string) =>
    showsWhatItDid(failed(message), { isAnswer: false, streamed: "untouched" });
  assert.deepEqual([shows("Cannot"), shows("upstream timed out")], [true, false]);
});

Deno.test("an untouched stream that is cut short proves it: the model used up its tokens while it thought", () => {
  const response = parseUpstreamResponse({
    id: "resp_1",
    status: "incomplete",
    output: [thought],
    incomplete_details: { reason: "max_output_tokens" },
  });
  const shows = (streamed: "untouched" | "touched" | "not") =>
    showsWhatItDid(response, { isAnswer: false, streamed });
  assert.deepEqual([shows("untouched"), shows("touched"), shows("not")], [true, false, false]);
});
