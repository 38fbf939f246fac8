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

const openCall = {
  type: "mcp_call",
  id: "mcp_1",
  server_label: "s",
  name: "send",
  arguments: "{}",
};
const endedCall = { ...openCall, output: "sent", status: "completed" };
const event = (type: string, more: Record<string, unknown>) => ({
  type: `response.${type}`,
  ...more,
});
const added = event("output_item.added", { output_index: 0, item: openCall });
const done = event("output_item.done", { output_index: 0, item: endedCall });
const progress = (more: Record<string, unknown>) => event("mcp_call.in_progress", more);
const failed = event("failed", { response: { ...response("failed"), output: [endedCall] } });

const abouts: Record<string, [Record<string, unknown>, streamed: string]> = {
  "about it, by its id": [progress({ item_id: "mcp_1" }), "wholly"],
  "about it, by its place": [progress({ item_id: "other", output_index: 0 }), "wholly"],
  "that names none": [progress({}), "wholly"],
  "about another id, without a place": [progress({ item_id: "mcp_2" }), "partly"],
  "about another place": [progress({ output_index: 1 }), "partly"],
  "about both another id and another place": [
    progress({ item_id: "mcp_2", output_index: 1 }),
    "partly",
  ],
};
for (const [what, [about, streamed]] of Object.entries(abouts)) {
  Deno.test(`while a call is open, an event ${what}: the stream has shown its calls ${streamed}`, () => {
    const reading = reader();
    for (const each of [added, about, done]) assert.equal(reading.read(each), undefined);
    const ending = reading.read(failed);
    assert.equal(ending?.kind === "done" && ending.streamed, streamed);
  });
  Deno.test(`the same for a delta ${what}`, () => {
    const reading = reader();
    reading.read(added);
    const type = "response.mcp_call_arguments.delta";
    reading.addDelta(`event: ${type}\ndata: ${JSON.stringify({ ...about, type, delta: "{" })}\n`);
    reading.read(done);
    const ending = reading.read(failed);
    assert.equal(ending?.kind === "done" && ending.streamed, streamed);
  });
}
