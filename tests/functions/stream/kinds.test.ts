/** Every kind of event that the SDK's helper accumulates, from OpenAI's stream to the helper at the other end. */
import assert from "node:assert/strict";
import type { EventBody } from "../../../supabase/functions/_durable_responses/run/stream/shown-event.ts";
import { placeOfItem } from "../../../supabase/functions/_durable_responses/model/ids.ts";
import { gathered, jobId, shownRun } from "./support.ts";

interface Case {
  /** As OpenAI begins and ends it. */
  begun: { type: string } & Record<string, unknown>;
  ended: Record<string, unknown>;
  /** What comes between, without item and place. */
  events: EventBody[];
}

const text = { type: "output_text", text: "Hello you", annotations: [], logprobs: [] };
const refusal = { type: "refusal", refusal: "I cannot" };
const part = { content_index: 0 };
const summary = { summary_index: 0 };

const cases: Record<string, Case> = {
  "a text": {
    begun: { type: "message", role: "assistant", status: "in_progress", content: [] },
    ended: { status: "completed", content: [text] },
    events: [
      { type: "response.content_part.added", ...part, part: { ...text, text: "" } },
      { type: "response.output_text.delta", ...part, delta: "Hello ", logprobs: [] },
      { type: "response.output_text.delta", ...part, delta: "you", logprobs: [], obfuscation: "x" },
      { type: "response.output_text.done", ...part, text: "Hello you", logprobs: [] },
      { type: "response.content_part.done", ...part, part: text },
    ],
  },
  "a text with an annotation": {
    begun: { type: "message", role: "assistant", status: "in_progress", content: [] },
    ended: {
      status: "completed",
      content: [{ ...text, annotations: [{ type: "file_path", file_id: "f", index: 0 }] }],
    },
    events: [
      { type: "response.content_part.added", ...part, part: { ...text, text: "" } },
      { type: "response.output_text.delta", ...part, delta: "Hello you", logprobs: [] },
      {
        type: "response.output_text.annotation.added",
        ...part,
        annotation_index: 0,
        annotation: { type: "file_path", file_id: "f", index: 0 },
      },
      { type: "response.output_text.done", ...part, text: "Hello you", logprobs: [] },
    ],
  },
  "a refusal": {
    begun: { type: "message", role: "assistant", status: "in_progress", content: [] },
    ended: { status: "completed", content: [refusal] },
    events: [
      { type: "response.content_part.added", ...part, part: { ...refusal, refusal: "" } },
      { type: "response.refusal.delta", ...part, delta: "I " },
      { type: "response.refusal.delta", ...part, delta: "cannot" },
      { type: "response.refusal.done", ...part, refusal: "I cannot" },
      { type: "response.content_part.done", ...part, part: refusal },
    ],
  },
  "a summary of reasoning": {
    begun: { type: "reasoning", summary: [] },
    ended: { summary: [{ type: "summary_text", text: "First this" }], encrypted_content: "e" },
    events: [
      {
        type: "response.reasoning_summary_part.added",
        ...summary,
        part: { type: "summary_text", text: "" },
      },
      { type: "response.reasoning_summary_text.delta", ...summary, delta: "First " },
      { type: "response.reasoning_summary_text.delta", ...summary, delta: "this" },
      { type: "response.reasoning_summary_text.done", ...summary, text: "First this" },
      {
        type: "response.reasoning_summary_part.done",
        ...summary,
        part: { type: "summary_text", text: "First this" },
      },
    ],
  },
  "reasoning as text": {
    begun: { type: "reasoning", summary: [], content: [] },
    ended: { summary: [], content: [{ type: "reasoning_text", text: "Then that" }] },
    events: [
      {
        type: "response.content_part.added",
        ...part,
        part: { type: "reasoning_text", text: "" },
      },
      { type: "response.reasoning_text.delta", ...part, delta: "Then that" },
      { type: "response.reasoning_text.done", ...part, text: "Then that" },
    ],
  },
  "a call of an MCP tool": {
    begun: {
      type: "mcp_call",
      server_label: "mailbox",
      name: "find",
      arguments: "",
      status: "in_progress",
    },
    ended: { arguments: '{"q":"x"}', output: "found", error: null, status: "completed" },
    events: [
      { type: "response.mcp_call.in_progress" },
      { type: "response.mcp_call_arguments.delta", delta: '{"q":"x"}' },
      { type: "response.mcp_call_arguments.done", arguments: '{"q":"x"}' },
      { type: "response.mcp_call.completed" },
    ],
  },
  "code": {
    begun: {
      type: "code_interpreter_call",
      code: "",
      container_id: "c",
      outputs: null,
      status: "in_progress",
    },
    ended: { code: "1 + 1", status: "completed" },
    events: [
      { type: "response.code_interpreter_call.in_progress" },
      { type: "response.code_interpreter_call_code.delta", delta: "1 + " },
      { type: "response.code_interpreter_call_code.delta", delta: "1" },
      { type: "response.code_interpreter_call_code.done", code: "1 + 1" },
      { type: "response.code_interpreter_call.interpreting" },
      { type: "response.code_interpreter_call.completed" },
    ],
  },
  "a search of files": {
    begun: { type: "file_search_call", queries: [], results: null, status: "in_progress" },
    ended: { queries: ["q"], status: "completed" },
    events: [
      { type: "response.file_search_call.in_progress" },
      { type: "response.file_search_call.searching" },
      { type: "response.file_search_call.completed" },
    ],
  },
  "a search of the web": {
    begun: { type: "web_search_call", status: "in_progress", action: {} },
    ended: { status: "completed", action: { type: "search", query: "q" } },
    events: [
      { type: "response.web_search_call.in_progress" },
      { type: "response.web_search_call.searching" },
      { type: "response.web_search_call.completed" },
    ],
  },
  "an image": {
    begun: { type: "image_generation_call", status: "in_progress", result: null },
    ended: { status: "completed", result: "aGVsbG8=" },
    events: [
      { type: "response.image_generation_call.in_progress" },
      { type: "response.image_generation_call.generating" },
      { type: "response.image_generation_call.completed" },
    ],
  },
};

const jobOfItem = (id: string) => placeOfItem(id)?.jobId;

for (const [what, { begun, ended, events }] of Object.entries(cases)) {
  Deno.test(`${what}: event by event, in OpenAI's order, and whole at the end`, async () => {
    const { shown, take } = shownRun();
    const at = { item_id: "upstream_1", output_index: 0 };
    const item = { id: "upstream_1", ...begun };
    take({ type: "response.output_item.added", output_index: 0, item });
    for (const event of events) take({ ...at, ...event });
    take({ type: "response.output_item.done", output_index: 0, item: { ...item, ...ended } });
    assert.deepEqual(shown.map(({ type }) => type), [
      "response.output_item.added",
      ...events.map(({ type }) => type),
      "response.output_item.done",
    ]);
    const [whole] = await gathered(shown);
    const id = String(Object(whole)["id"]);
    assert.equal(jobOfItem(id), jobId);
    assert.deepEqual(whole, { ...item, ...ended, id });
    assert.ok(!JSON.stringify(shown).includes("upstream_1"));
    assert.ok(!JSON.stringify(shown).includes("obfuscation"));
  });

  Deno.test(`${what}: when the run is lost in the middle it ends as incomplete, with what was shown`, async () => {
    const { run, shown, take } = shownRun();
    const at = { item_id: "upstream_1", output_index: 0 };
    const item = { id: "upstream_1", ...begun };
    take({ type: "response.output_item.added", output_index: 0, item });
    const half = events.slice(
      0,
      Math.max(1, events.findLastIndex(({ type }) => type.endsWith(".delta")) + 1),
    );
    for (const event of half) take({ ...at, ...event });
    run.endAll();
    assert.equal(run.openFrom, null);
    const [whole] = await gathered(shown);
    assert.equal(Object(whole)["status"], "incomplete");
    const deltas = half.filter(({ type }) => type.endsWith(".delta")).map(({ delta }) => delta)
      .join("");
    assert.ok(JSON.stringify(whole).includes(JSON.stringify(deltas).slice(1, -1)));
  });
}
