/** What a run shows of what OpenAI streams, where that is odd, secret, or in several requests. */
import assert from "node:assert/strict";
import { rememberCredential } from "../../../supabase/functions/_durable_responses/platform/redact.ts";
import { closeUnclosedItems } from "../../../supabase/functions/_durable_responses/run/stream/unclosed-items.ts";
import { gathered, shownRun, textOf } from "./support.ts";

const message = {
  type: "message",
  id: "m1",
  role: "assistant",
  status: "in_progress",
  content: [],
};
const begin = (output_index: number, item: Record<string, unknown> = message) => ({
  type: "response.output_item.added",
  output_index,
  item,
});
const delta = (text: string, output_index = 0) => ({
  type: "response.output_text.delta",
  item_id: "m1",
  output_index,
  content_index: 0,
  delta: text,
  logprobs: [{ token: text }],
});
const said = (text: string) => ({
  ...message,
  status: "completed",
  content: [{ type: "output_text", text, annotations: [], logprobs: [] }],
});
const end = (output_index: number, item: Record<string, unknown>) => ({
  type: "response.output_item.done",
  output_index,
  item,
});

Deno.test("events are numbered without a gap, and items placed in the order in which they begin", () => {
  const { shown, take, run } = shownRun({ next: 7, items: 3 });
  take(begin(0));
  take(begin(1, { ...message, id: "m2" }));
  take(delta("a", 1));
  take(delta("b", 0));
  assert.deepEqual(shown.map((event) => [event.sequence_number, event["output_index"]]), [
    [7, 3],
    [8, 4],
    [9, 4],
    [10, 3],
  ]);
  assert.deepEqual([run.next, run.items, run.openFrom], [11, 5, 7]);
});

Deno.test("an event whose name is no name of one is not shown: it could be a line of the stream", () => {
  const { shown, take, run } = shownRun();
  take(begin(0));
  const before = shown.length;
  for (
    const type of [
      "",
      "a\n\ndata: {}",
      'response.x"',
      "response.\\",
      "response .done",
      "x".repeat(101),
    ]
  ) {
    take({ type, output_index: 0, item_id: "m1" });
    run.takeDelta(`data: ${JSON.stringify({ ...delta("x"), type: `${type}\n.delta` })}\n`);
  }
  assert.equal(shown.length, before);
});

Deno.test("an item may be called what every object has", () => {
  const { shown, take } = shownRun();
  take(begin(0, { ...message, type: "constructor" }));
  assert.match(String(Object(shown[0]?.["item"]).id), /^constructor_[0-9a-f]{32}_\d+$/);
});

Deno.test("a credential is masked in deltas, whatever pieces it comes in, and in what is whole", () => {
  rememberCredential("sk-secret-of-this-test-1");
  const { shown, take } = shownRun();
  take(begin(0));
  for (const piece of ["a sk-sec", "ret-of-", "this-test", "-1 b sk-se"]) take(delta(piece));
  take({
    type: "response.output_text.done",
    item_id: "m1",
    output_index: 0,
    content_index: 0,
    text: "a sk-secret-of-this-test-1 b sk-se",
  });
  take(end(0, said("a sk-secret-of-this-test-1 b sk-se")));
  assert.equal(textOf(shown), "a *** b sk-se");
  assert.ok(!JSON.stringify(shown).includes("secret-of"));
  // What was held back comes before the text's end.
  assert.deepEqual(shown.slice(-3).map(({ type }) => type), [
    "response.output_text.delta",
    "response.output_text.done",
    "response.output_item.done",
  ]);
});

Deno.test("an emoji that comes in two deltas is shown whole", () => {
  const { shown, take } = shownRun();
  take(begin(0));
  for (const piece of ["ok \ud83d", "\ude00 \ud83d"]) take(delta(piece));
  take(end(0, said("ok 😀 \ud83d")));
  assert.equal(textOf(shown), "ok 😀 \ufffd");
  assert.ok(shown.every((event) => String(event["delta"] ?? "").isWellFormed()));
});

Deno.test("what the guard asks is not shown, nor the yes by which a call was made", () => {
  const ask = {
    type: "mcp_approval_request",
    id: "r1",
    server_label: "s",
    name: "t",
    arguments: "{}",
  };
  const call = { type: "mcp_call", id: "c1", server_label: "s", name: "t", arguments: "" };
  for (const byPerson of [false, true]) {
    const { shown, take, run } = shownRun({ showsApproval: () => byPerson });
    take(begin(0, { type: "mcp_list_tools", id: "l1", server_label: "s", tools: [] }));
    take(begin(1, ask));
    take(end(1, ask));
    run.endAll();
    take(begin(0, { ...call, approval_request_id: "r1" }));
    assert.deepEqual(shown.map((event) => event.type), ["response.output_item.added"]);
    assert.equal(Object(shown[0]?.["item"])["approval_request_id"], byPerson ? "r1" : null);
    assert.equal(shown[0]?.["output_index"], 0);
  }
});

Deno.test("a call that OpenAI leaves to us is not shown while it is written: whoever saw it might make it", () => {
  const { shown, take } = shownRun();
  const call = { type: "function_call", id: "fc1", call_id: "c1", name: "f", arguments: "" };
  take(begin(0, call));
  take({ type: "response.function_call_arguments.delta", output_index: 0, delta: "{}" });
  take({ type: "response.function_call_arguments.done", output_index: 0, arguments: "{}" });
  take(end(0, { ...call, arguments: "{}" }));
  assert.deepEqual(shown, []);
});

const call = { type: "function_call", id: "fc1", call_id: "c1", name: "f", arguments: "" };
const args = (delta: string) => ({
  type: "response.function_call_arguments.delta",
  output_index: 0,
  delta,
});

Deno.test("a call for the caller is shown as it is written, and not ended: whoever sees its end makes it", () => {
  const { shown, take, run } = shownRun({ handsOut: () => true });
  take(begin(0, call));
  take(args('{"a"'));
  take(args(":1}"));
  take({ type: "response.function_call_arguments.done", output_index: 0, arguments: '{"a":1}' });
  take(end(0, { ...call, arguments: '{"a":1}' }));
  run.endAll(true);
  assert.deepEqual(shown.map(({ type }) => type), [
    "response.output_item.added",
    "response.function_call_arguments.delta",
    "response.function_call_arguments.delta",
  ]);
  assert.equal(textOf(shown), '{"a":1}');
  assert.equal(run.openFrom, 2, "the next attempt finds it");
  run.endAll();
  assert.deepEqual([Object(shown.at(-1)?.["item"]).status, run.openFrom], ["incomplete", null]);
});

Deno.test("arguments that come in one piece at the end are shown in one", () => {
  for (const begins of [true, false]) {
    const { shown, take } = shownRun({ handsOut: () => true });
    if (begins) take(begin(0, call));
    take(end(0, { ...call, arguments: "{}" }));
    assert.deepEqual(shown.map(({ type, delta }) => delta ?? type), [
      "response.output_item.added",
      "{}",
    ]);
  }
});

Deno.test("a custom tool's input is shown as it is written; other calls only when they begin", () => {
  const custom = { type: "custom_tool_call", id: "ctc1", call_id: "c1", name: "draw", input: "" };
  const action = { commands: [], timeout_ms: null, max_output_length: null };
  const shell = { type: "shell_call", id: "sh1", call_id: "c2", action, environment: null };
  const { shown, take, run } = shownRun({ handsOut: () => true });
  take(begin(0, custom));
  take({ type: "response.custom_tool_call_input.delta", output_index: 0, delta: "a circle" });
  take({ type: "response.custom_tool_call_input.done", output_index: 0, input: "a circle" });
  take(end(0, { ...custom, input: "a circle" }));
  take(begin(1, shell));
  const command = { output_index: 1, command_index: 0 };
  take({ type: "response.shell_call_command.added", ...command, command: "" });
  take({ type: "response.shell_call_command.delta", ...command, delta: "ls" });
  take({ type: "response.shell_call_command.done", ...command, command: "ls" });
  take(end(1, { ...shell, action: { ...action, commands: ["ls"] } }));
  run.endAll(true);
  assert.deepEqual(shown.map(({ type, delta }) => delta ?? type), [
    "response.output_item.added",
    "a circle",
    "response.output_item.added",
  ]);
});

Deno.test("a shell in OpenAI's container is shown like its other tools", () => {
  const environment = { type: "container_reference", container_id: "cntr_1" };
  const shell = { type: "shell_call", id: "sh1", call_id: "c1", action: {}, environment };
  const { shown, take } = shownRun();
  take(begin(0, shell));
  take({ type: "response.shell_call_command.done", output_index: 0, command: "ls" });
  take(end(0, shell));
  assert.deepEqual(shown.map(({ type }) => type), [
    "response.output_item.added",
    "response.shell_call_command.done",
    "response.output_item.done",
  ]);
});

Deno.test("a call that another request follows on is not handed out", () => {
  const { shown, take, run } = shownRun({ handsOut: () => true });
  take(begin(0, call));
  take(args('{"a'));
  run.endAll();
  const { type, item } = Object(shown.at(-1));
  assert.deepEqual([type, item.status, item.arguments], [
    "response.output_item.done",
    "incomplete",
    '{"a',
  ]);
});

Deno.test("a second call of one call_id is not shown: nobody could tell which one an output is of", () => {
  const { shown, take } = shownRun({ handsOut: () => true });
  take(begin(0, call));
  take(begin(1, { ...call, id: "fc2" }));
  take({ ...args("{}"), output_index: 1 });
  assert.equal(shown.length, 1);
});

Deno.test("a credential in a call's arguments is masked, whatever pieces it comes in", () => {
  rememberCredential("sk-secret-of-this-test-3");
  const { shown, take } = shownRun({ handsOut: () => true });
  take(begin(0, call));
  for (const piece of ['{"key":"sk-secret-of', "-this-te", 'st-3"}']) take(args(piece));
  take(end(0, { ...call, arguments: '{"key":"sk-secret-of-this-test-3"}' }));
  assert.equal(textOf(shown), '{"key":"***"}');
});

Deno.test("two items with one id, and items with none, have ids of their own", async () => {
  const { shown, take } = shownRun();
  for (const [index, id] of ["same", "same", "", ""].entries()) {
    take(begin(index, { ...message, id }));
    take(end(index, { ...said(`${index}`), id }));
  }
  const items = await gathered(shown);
  assert.equal(new Set(items.map((item) => Object(item)["id"])).size, 4);
});

Deno.test("what is held back of one part is not shown at the end of another", () => {
  rememberCredential("sk-secret-of-this-test-2");
  const { shown, take } = shownRun();
  take(begin(0));
  take(delta("sk-secret-"));
  take({ ...delta("other"), content_index: 1 });
  take({ type: "response.output_text.done", output_index: 0, content_index: 1, text: "other" });
  take(delta("of-this-test-2"));
  assert.equal(textOf(shown), "other***");
});

Deno.test("a server that sends no pieces: each item comes in one", async () => {
  const { shown, take } = shownRun();
  take(end(0, said("All at once")));
  assert.equal(textOf(shown), "All at once");
  const other = shownRun();
  other.take(begin(0));
  other.take(end(0, said("All at once")));
  assert.equal(textOf(other.shown), "All at once");
  assert.deepEqual(
    (await gathered(shown)).map((item) => Object(item)["content"]),
    (await gathered(other.shown)).map((item) => Object(item)["content"]),
  );
});

Deno.test("what is about no open item, and what cannot be read, is passed over", () => {
  const { shown, take, run } = shownRun();
  take(delta("early"));
  take(begin(0));
  take(begin(0));
  run.takeDelta("event: response.output_text.delta\ndata: {\n");
  run.takeDelta("event: response.output_text.delta\n");
  run.take(null);
  run.take({ type: 7 });
  run.take({ type: "response.in_progress", response: {} });
  run.take({ type: "response.image_generation_call.partial_image", output_index: 0 });
  take(end(0, said("x")));
  take(delta("late"));
  assert.deepEqual(shown.map(({ type }) => type), [
    "response.output_item.added",
    "response.content_part.added",
    "response.output_text.delta",
    "response.output_text.done",
    "response.content_part.done",
    "response.output_item.done",
  ]);
});

Deno.test("the next attempt ends what the one before left open, with what its readers have", async () => {
  const { shown, take, run } = shownRun();
  take(begin(0, { ...message, id: "m0" }));
  take(end(0, { ...said("Done"), id: "m0" }));
  take(begin(1));
  take({
    type: "response.content_part.added",
    item_id: "m1",
    output_index: 1,
    content_index: 0,
    part: { type: "output_text", text: "", annotations: [] },
  });
  take(delta("Hel", 1));
  take(delta("lo", 1));
  const from = run.openFrom ?? 0;
  const lines = shown.filter((event) => event.sequence_number >= from)
    .map((event) => JSON.stringify(event)).join("\n");
  const next = shownRun({ next: 1_100, items: run.items });
  for (const event of closeUnclosedItems(lines)) next.run.emit(event);
  next.take(begin(0, { ...message, id: "m2" }));
  next.take(end(0, { ...said("Hello again"), id: "m2" }));
  const items = await gathered([...shown, ...next.shown]);
  assert.deepEqual(
    items.map((item) => [Object(item)["status"], Object(item)["content"][0].text]),
    [["completed", "Done"], ["incomplete", "Hello"], ["completed", "Hello again"]],
  );
  assert.deepEqual(closeUnclosedItems(null), []);
});
