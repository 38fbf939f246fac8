/** How a request ended, by what its events say, in whatever they are wrapped. */
import assert from "node:assert/strict";
import { RunReader } from "../../../supabase/functions/_durable_responses/openai/read-run.ts";

const ignore = () => {};
const reader = () =>
  new RunReader({
    key: { id: crypto.randomUUID(), attempt: 1 },
    onItemStarted: ignore,
    onArguments: ignore,
    onItem: ignore,
  });
const response = (status: string) => ({ id: "resp_1", object: "response", status, output: [] });

for (
  const error of [
    {},
    [],
    { code: "", message: "" },
    { code: null, type: null },
    0,
    "",
    "none",
    "None",
    "null",
    null,
    false,
  ]
) {
  Deno.test(`an event with ${JSON.stringify(error)} as its error is no error`, () => {
    assert.equal(reader().read({ type: "response.in_progress", error }), undefined);
  });
}

Deno.test("an error that says nothing is one in an event that is about an error", () => {
  const ending = reader().read({ type: "error", error: {} });
  assert.equal(ending?.kind === "failed" && ending.failure.code, "openai_server_error");
});

for (const wrapped of ["response", "data"]) {
  Deno.test(`a whole response in an object's '${wrapped}' is the answer once it is final`, () => {
    const read = (status: string) => reader().read({ [wrapped]: response(status) });
    assert.equal(read("completed")?.kind, "done");
    assert.equal(read("in_progress"), undefined);
  });
}

const said = (text: string) => ({
  type: "response.output_text.done",
  output_index: 0,
  content_index: 0,
  text,
});
const begun = (more: object = {}) => ({
  type: "response.output_item.added",
  output_index: 0,
  item: { type: "message", id: "msg_1", role: "assistant", content: [], ...more },
});
const completed = (output: unknown) => ({
  type: "response.completed",
  response: { ...response("completed"), output },
});

/** The answer of a stream. */
function answerOf(...events: unknown[]): string | undefined {
  const run = reader();
  const ending = events.map((event) => run.read(event)).at(-1);
  return ending?.kind === "done" ? ending.response.outputText : undefined;
}

const empty = { type: "message", id: "msg_1", role: "assistant", content: [] };
for (
  const [what, output] of [["nothing", []], ["null", null], ["an empty message", [empty]]] as const
) {
  Deno.test(`a text that was told to its end is the answer of a response that completes with ${what}`, () => {
    assert.equal(answerOf(begun(), said("Hello"), completed(output)), "Hello");
    assert.equal(answerOf(said("Hello"), completed(output)), "Hello");
    const part = { type: "output_text", text: "Hello" };
    const ended = { type: "response.content_part.done", output_index: 0, content_index: 0, part };
    assert.equal(answerOf(begun(), said("Hello"), ended, completed(output)), "Hello");
  });
}

Deno.test("such a text is no answer if it is commentary, or if there is another one", () => {
  const message = { ...empty, content: [{ type: "output_text", text: "Final" }] };
  assert.equal(answerOf(begun({ phase: "commentary" }), said("Looking"), completed([])), "");
  assert.equal(answerOf(begun(), said("Draft"), completed([message])), "Final");
});

Deno.test("a message keeps the phase that only its streamed form has", () => {
  const item = (text: string, id: string, phase?: string) => ({
    ...empty,
    id,
    content: [{ type: "output_text", text }],
    ...(phase ? { phase } : {}),
  });
  const done = (output_index: number, it: object) => ({
    type: "response.output_item.done",
    output_index,
    item: it,
  });
  const final = [item("Looking", "msg_1"), item("Here", "msg_2")];
  assert.equal(
    answerOf(
      done(0, item("Looking", "msg_1", "commentary")),
      done(1, item("Here", "msg_2", "final_answer")),
      completed(final),
    ),
    "Here",
  );
});

const call = { type: "mcp_call", id: "mcp_1", server_label: "s", name: "send", arguments: "{}" };
const list = { type: "mcp_list_tools", id: "mcpl_1", server_label: "s", tools: [] };
const thought = { type: "reasoning", id: "rs_1", summary: [] };
const about = (type: string, more: Record<string, unknown>) => ({
  type: `response.${type}`,
  ...more,
});
const item = (it: unknown, type = "done") =>
  about(`output_item.${type}`, { output_index: 0, item: it });
const created = about("created", { response: { ...response("in_progress") } });
const soFar = (output: unknown) =>
  about("in_progress", { response: { ...response("in_progress"), output } });

const untouched: Record<string, unknown[]> = {
  "nothing": [],
  "that it waits": [about("queued", {}), soFar([]), { type: "keepalive", sequence_number: 3 }],
  "a list of tools": [
    item(list, "added"),
    about("mcp_list_tools.in_progress", { item_id: "mcpl_1" }),
    item(list),
  ],
  "a thought": [item(thought, "added"), about("reasoning_summary_part.added", {}), item(thought)],
  "both, so far": [soFar([list, thought])],
};
const touched: Record<string, unknown[]> = {
  "a call": [item(call)],
  "a call that starts": [item(call, "added")],
  "a call, so far": [soFar([call])],
  "something that is no list, so far": [soFar({ 0: call })],
  "an item that is null": [item(null, "added")],
  "an item that is text": [item(JSON.stringify(call))],
  "an item of an unknown type": [item({ type: "tool_use", id: "t" })],
  "a thought that names a yes": [item({ ...thought, approval_request_id: "mcpr_1" })],
  "a message": [item({ type: "message", role: "assistant", content: [] }, "added")],
  "the progress of a call": [about("mcp_call.in_progress", { item_id: "x" })],
  "an event of an unknown name": [about("mcp.call.in_progress", { item_id: "x" })],
  "an event without a name": [{ item: call }],
  "an event of somebody else": [{ type: "tool_call.started", id: "x" }],
  "a part of a content": [about("content_part.added", { item_id: "x", output_index: 0 })],
  "a call in an event about a list": [about("mcp_list_tools.completed", { item: call })],
};
const ends = {
  "fails": about("failed", {
    response: { ...response("failed"), error: { code: "server_error" } },
  }),
  "ends with an error": { type: "error", code: "server_error", message: "Cannot" },
  "is refused": { type: "error", code: "invalid_request_error", message: "no" },
};
const outcomes = {
  untouched: { "fails": "untouched", "ends with an error": "over", "is refused": "refused" },
  touched: { "fails": "touched", "ends with an error": "unknown", "is refused": "unknown" },
} as const;
for (const [word, cases] of [["untouched", untouched], ["touched", touched]] as const) {
  for (const [what, events] of Object.entries(cases)) {
    Deno.test(`a stream that has shown ${what} is ${word}`, () => {
      for (const [how, end] of Object.entries(ends)) {
        const reading = reader();
        for (const event of [created, ...events]) assert.equal(reading.read(event), undefined);
        const ending = reading.read(end);
        const outcome = ending?.kind === "done" ? ending.streamed : ending?.request;
        assert.deepEqual([how, outcome], [
          how,
          Object.entries(outcomes[word]).find(([name]) => name === how)?.[1],
        ]);
      }
    });
  }
}

const thinks = "response.reasoning_summary_text.delta";
const deltas: [string, string, "untouched" | "touched"][] = [
  ["a thought", `event: ${thinks}\ndata: {"type":"${thinks}","delta":"Hm"}\n`, "untouched"],
  ["a thought, late in its data", `data: {"item_id":"rs_1", "type": "${thinks}"}\n`, "untouched"],
  ["a text", 'data: {"type":"response.output_text.delta","delta":"Hi"}\n', "touched"],
  [
    "a call, under another name",
    `event: ${thinks}\ndata: {"type":"response.mcp_call_arguments.delta"}\n`,
    "touched",
  ],
  ["two things", `data: {"type":"${thinks}","item":{"type":"mcp_call"}}\n`, "touched"],
  ["nothing that is named", `event: ${thinks}\ndata: {"delta":"Hm"}\n`, "touched"],
];
for (const [what, block, word] of deltas) {
  Deno.test(`a delta of ${what} leaves a stream ${word}`, () => {
    const reading = reader();
    reading.read(created);
    reading.addDelta(block);
    const ending = reading.read(ends.fails);
    assert.equal(ending?.kind === "done" && ending.streamed, word);
  });
}

Deno.test("an output at its end, or in its error, touches a stream", () => {
  const late = reader();
  late.read(created);
  const inError = reader();
  inError.read(created);
  const failed = about("failed", { response: { ...response("failed"), output: [call] } });
  const ending = late.read(failed);
  assert.equal(ending?.kind === "done" && ending.streamed, "touched");
  const refused = inError.read({ ...ends["is refused"], response: { output: [call] } });
  assert.equal(refused?.kind === "failed" && refused.request, "unknown");
});

Deno.test("a response in one piece was not streamed", () => {
  const ending = reader().read({ ...response("failed"), output: [call] });
  assert.equal(ending?.kind === "done" && ending.streamed, "not");
});
