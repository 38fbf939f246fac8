/** What readers of a stream get of calls that the caller makes: each is shown only as long as it must be made. */
import assert from "node:assert/strict";
import { ShownItems } from "../../../supabase/functions/_durable_responses/api/openai/shown-items.ts";
import {
  type EventBody,
  shownEvent,
} from "../../../supabase/functions/_durable_responses/run/stream/shown-event.ts";

const call = { type: "function_call", id: "fc_1", call_id: "c1", name: "f", arguments: "" };
const message = { type: "message", id: "msg_1", role: "assistant", content: [] };
const added = (output_index: number, item: object) => ({
  type: "response.output_item.added",
  output_index,
  item,
});
const done = (output_index: number, item: object) => ({
  ...added(output_index, item),
  type: "response.output_item.done",
});
const args = {
  type: "response.function_call_arguments.delta",
  item_id: "fc_1",
  output_index: 0,
  delta: "{}",
};
const text = {
  type: "response.output_text.delta",
  item_id: "msg_1",
  output_index: 1,
  delta: '"output_index":7',
};
/** How the next attempt ends a call that must no longer be made. */
const voided = done(0, { ...call, arguments: "{}", status: "incomplete" });

const stream = (...events: EventBody[]) =>
  events.map((event, index) => shownEvent(event, index + 2));
const seen = (events: { json: string }[]) =>
  events.map(({ json }) => {
    const { type, output_index, delta } = JSON.parse(json);
    return [type.replace("response.", ""), output_index, ...(delta ? [delta] : [])];
  });

Deno.test("a call that waits is shown, and ends with the job's item", () => {
  const items = new ShownItems(new Set());
  const events = stream(added(0, call), args);
  assert.deepEqual(items.take(events, -1), events);
  const whole = { ...call, arguments: "{}", status: "completed" };
  assert.deepEqual(items.end([whole]).map(({ type }) => type), [
    "response.function_call_arguments.done",
    "response.output_item.done",
  ]);
  assert.deepEqual(items.end([]), [], "one that nobody is to make does not end");
  assert.equal(items.isVoid, false);
});

for (const [how, answered] of [["by its id", ["fc_1"]], ["by its end", []]] as const) {
  Deno.test(`a call that is over is left out, ${how}, and the items after it move up`, () => {
    const items = new ShownItems(new Set<unknown>(answered));
    const shown = items.take(stream(added(0, call), args, voided, added(1, message), text), -1);
    assert.deepEqual(seen(shown), [
      ["output_item.added", 0],
      ["output_text.delta", 0, '"output_index":7'],
    ]);
    assert.deepEqual(shown.map(({ number }) => number), [5, 6]);
    assert.deepEqual(items.ids, new Set(["msg_1"]));
    assert.equal(items.end([message])[0]?.["output_index"], 0);
    assert.equal(items.isVoid, false);
  });
}

Deno.test("a reader who saw a call being written is told that it is over, once", () => {
  const events = stream(added(0, call), args, voided, added(1, message));
  const live = new ShownItems(new Set());
  live.take(events.slice(0, 2), -1);
  const rest = live.take(events.slice(2), -1);
  assert.deepEqual([live.isVoid, seen(rest)], [true, [["output_item.added", 1]]]);
  // A reader who comes back with the number of the last event sees no more of it.
  const back = new ShownItems(new Set());
  back.take(events.slice(0, 2), 3);
  back.take(events.slice(2), 3);
  assert.equal(back.isVoid, false);
});

Deno.test("a message that is open when the job ends is closed: the part that has begun does not begin again", () => {
  const part = { type: "output_text", text: "Good morning", annotations: [] };
  const whole = { ...message, status: "completed", content: [part, { ...part, text: "Again" }] };
  const items = new ShownItems(new Set());
  const partAdded = {
    type: "response.content_part.added",
    item_id: "msg_1",
    output_index: 0,
    content_index: 0,
    part: { ...part, text: "" },
  };
  items.take(stream(added(0, message), partAdded), -1);
  assert.deepEqual(
    items.end([whole]).map(({ type, content_index }) =>
      [type.replace("response.", ""), content_index].join(" ").trim()
    ),
    [
      "output_text.done 0",
      "content_part.done 0",
      "content_part.added 1",
      "output_text.done 1",
      "content_part.done 1",
      "output_item.done",
    ],
  );
});
