/** Items are identified by their places. Items that were streamed and finished count. */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { Item } from "../../../supabase/functions/_durable_responses/model/items.ts";
import { parseUpstreamResponse } from "../../../supabase/functions/_durable_responses/model/upstream-response.ts";
import { FinishedItems } from "../../../supabase/functions/_durable_responses/openai/finished-items.ts";
import { StepIds } from "../../../supabase/functions/_durable_responses/tools/step-ids.ts";

const message = (text: string, id: string | undefined = "msg"): Item => ({
  type: "message",
  ...(id === undefined ? {} : { id }),
  content: [{ type: "output_text", text }],
});
const call = (name: string, id = ""): Item => ({ type: "mcp_call", id, name, output: "sent" });
const completed = (output: unknown) =>
  parseUpstreamResponse({ id: "resp_1", status: "completed", output });

Deno.test("two items with one id have two places", () => {
  for (const id of ["", "same"]) {
    const items = new FinishedItems();
    const one = items.begin(0, call("a", id));
    assert.equal(items.finish(0, call("a", id)), one);
    const two = items.begin(1, call("b", id));
    assert.equal(items.finish(1, call("b", id)), two);
    assert.notEqual(one, two);
  }
});

Deno.test("an item whose id changes on the way keeps its place, and so do its arguments", () => {
  const items = new FinishedItems();
  const place = items.begin(0, call("a", "first"));
  assert.equal(items.find(0, "second"), place);
  assert.equal(items.finish(0, call("a", "third")), place);
});

Deno.test("a server that counts wrong has as many places as items", () => {
  const items = new FinishedItems();
  const places = ["a", "b", "c"].map((id) => {
    items.begin(0, call(id, id));
    return items.finish(0, call(id, id));
  });
  assert.equal(new Set(places).size, 3);
});

Deno.test("an item that is told twice is told once", () => {
  const items = new FinishedItems();
  assert.notEqual(items.finish(0, call("a", "1")), undefined);
  assert.equal(items.finish(0, call("a", "1")), undefined);
});

for (const output of [null, [], undefined, "none", [{ ...message(""), content: [] }]]) {
  Deno.test(`a final output of ${JSON.stringify(output)} takes nothing from what was streamed`, () => {
    const items = new FinishedItems();
    items.finish(0, call("a", "1"));
    items.finish(1, message("the real answer"));
    const { response, late } = items.complete(completed(output));
    assert.deepEqual(response.output, [call("a", "1"), message("the real answer")]);
    assert.equal(response.outputText, "the real answer");
    assert.deepEqual(late, []);
  });
}

Deno.test("what only the final response has is told late, once, and stands in its place", () => {
  const items = new FinishedItems();
  const begun = items.begin(0, call("a", "1"));
  items.finish(1, message("answer"));
  const { response, late } = items.complete(completed([call("a", "1"), message("answer")]));
  assert.deepEqual(response.output, [call("a", "1"), message("answer")]);
  assert.deepEqual(late, [[call("a", "1"), begun]]);
});

for (
  const [what, final, left] of [
    ["only the last one", ["two"], ["one", "two"]],
    ["both", ["one", "two"], ["one", "two"]],
    ["both, the other way round", ["two", "one"], ["one", "two"]],
    ["a longer one in the place of the last", ["one", "two and more"], ["one", "two and more"]],
  ] as const
) {
  Deno.test(`a final output with other ids and ${what}: each message once, none lost`, () => {
    const items = new FinishedItems();
    items.finish(0, message("one", "m1"));
    items.finish(1, message("two", "m2"));
    const { response, late } = items.complete(
      completed(final.map((text, at) => message(text, `other${at}`))),
    );
    assert.equal(response.outputText, left.join("\n\n"));
    assert.deepEqual(late, []);
  });
}

Deno.test("an item that begins and finishes twice is in the output once", () => {
  for (const final of [[message("one", "m1")], []]) {
    const items = new FinishedItems();
    for (let times = 2; times > 0; times--) {
      items.begin(0, message("", "m1"));
      items.finish(0, message("one", "m1"));
    }
    assert.equal(items.complete(completed(final)).response.outputText, "one");
  }
});

const own = (more: Record<string, unknown> = {}): Item => ({
  type: "function_call",
  id: "fc_1",
  call_id: "call_1",
  name: "send",
  arguments: '{"body":"x","to":"y"}',
  status: "completed",
  ...more,
});
const draft = (text: string) => ({ ...message(text, "m1"), status: "in_progress" });
type Told = [number, Item][];

const question: Item = {
  type: "mcp_approval_request",
  id: "mcpr_1",
  server_label: "mailbox",
  name: "send",
  arguments: "{}",
};
const repeats: Record<string, [Told, Item[], Item[]]> = {
  "as a draft, then whole": [[[0, draft("dra")], [0, message("draft and all", "m1")]], [], [
    message("draft and all", "m1"),
  ]],
  "as another text, and the final response has the last": [
    [[0, message("draft", "m1")], [0, message("final", "m1")]],
    [message("final", "m1")],
    [message("final", "m1")],
  ],
  "as a call in progress, then completed": [
    [[0, own({ status: "in_progress", arguments: "" })], [0, own()]],
    [],
    [own()],
  ],
  "with its arguments in another order": [
    [[0, own({ arguments: '{"to":"y","body":"x"}' })], [0, own()]],
    [],
    [own()],
  ],
  "at two places": [[[0, own()], [1, own()]], [own()], [own()]],
  "at two places, and twice in the final response": [[[0, own()], [1, own()]], [own(), own()], [
    own(),
  ]],
  "twice in the final response only": [[], [own(), own()], [own()]],
  "in the final response as it was, and as it ended": [
    [],
    [
      own({ status: "in_progress" }),
      { ...own(), arguments: '{ "to": "y", "body": "x" }', agent: null },
    ],
    [{ ...own(), arguments: '{ "to": "y", "body": "x" }', agent: null }],
  ],
  "without an id, in the final response": [[], [own({ id: null }), own({ id: null })], [
    own({ id: null }),
  ]],
  "as a call that names its request, twice in the final response only": [
    [],
    [call("a", "1"), call("a", "1")].map((item) => ({ ...item, approval_request_id: "mcpr_1" })),
    [{ ...call("a", "1"), approval_request_id: "mcpr_1" }],
  ],
  "as a request for approval, at two places": [
    [[0, { ...call("a", "1"), type: "mcp_approval_request" }], [1, {
      ...call("a", "1"),
      type: "mcp_approval_request",
    }]],
    [],
    [{ ...call("a", "1"), type: "mcp_approval_request" }],
  ],
  "at two places, and not in the final response": [[[0, own()], [1, own()]], [], [own()]],
  "as a question at two places": [[[0, question], [1, question]], [question], [question]],
  "with another id": [[[0, own()], [0, own({ id: "fc_2" })]], [own({ id: "fc_2" })], [
    own({ id: "fc_2" }),
  ]],
  "with other ids, all of them": [
    [[0, own()], [0, own({ id: "fc_2", call_id: "call_2" })]],
    [own()],
    [own()],
  ],
};
for (const [what, [told, final, left]] of Object.entries(repeats)) {
  Deno.test(`an item that is told twice, ${what}, is in the output once`, () => {
    const items = new FinishedItems();
    for (const [place, item] of told) items.finish(place, item);
    assert.deepEqual(items.complete(completed(final)).response.output, left);
  });
}

const several: Record<string, [Told, Item[]]> = {
  "equal calls with their own ids": [
    [[0, own()], [1, own({ id: "fc_2", call_id: "call_2" })]],
    [],
  ],
  "equal calls of OpenAI's with one id that name no request": [
    [],
    [call("a", "1"), call("a", "1")],
  ],
  "equal calls with one call_id and ids of their own that the final response lists": [
    [[0, own()], [1, own({ id: "fc_2" })]],
    [own(), own({ id: "fc_2" })],
  ],
  "different calls with one id at one place": [
    [[0, own()], [0, own({ arguments: '{"body":"z"}' })]],
    [],
  ],
  "calls of OpenAI's with one id at one place": [[
    [0, { ...call("a", "1"), arguments: "{}" }],
    [0, { ...call("a", "1"), arguments: '{"to":"z"}' }],
  ], []],
};
for (const [what, [told, final]] of Object.entries(several)) {
  Deno.test(`${what} stay several`, () => {
    const items = new FinishedItems();
    for (const [place, item] of told) items.finish(place, item);
    assert.equal(items.complete(completed(final)).response.output.length, 2);
  });
}

Deno.test("ids of steps are never empty, never twice, and the same for one place", () => {
  const id = fc.oneof(
    fc.constantFrom("", "same", "mcp_call_job_0"),
    fc.string(),
    fc.constant(undefined),
    fc.string({ minLength: 300 }),
  );
  fc.assert(fc.property(fc.array(id), (given) => {
    const ids = new StepIds("018f-0000");
    const made = given.map((own, place) => ids.of({ type: "mcp_call", id: own }, place));
    assert.equal(new Set(made).size, given.length);
    assert.ok(made.every((each) => each !== "" && each.length <= 200));
    assert.deepEqual(given.map((_, place) => ids.known(place)), made);
  }));
});

Deno.test("two calls that start one after the other at one place, or at none, are two", () => {
  for (const told of [0, undefined]) {
    const items = new FinishedItems();
    const one = items.begin(told, call("a", "1"));
    const two = items.begin(told, call("b", "2"));
    assert.notEqual(one, two);
    assert.equal(items.finish(told, call("b", "2")), two);
    assert.equal(items.finish(told, call("a", "1")), one);
  }
});

Deno.test("a call that only the final response has is not the streamed one, whatever its place", () => {
  const items = new FinishedItems();
  const one = { ...call("a", "1"), arguments: '{"body":"x"}' };
  const other = { ...call("a", "2"), arguments: '{"body":"y"}' };
  items.finish(0, one);
  const { response, late } = items.complete(completed([other]));
  assert.deepEqual(new Set(response.output), new Set([one, other]));
  assert.deepEqual(late.map(([item]) => item), [other]);
});
