/** Where an API gives its items no ids, repeats them, or changes them at the end, a reader gets each item once. */
import assert from "node:assert/strict";
import { createStream, ended, message, raw, response, stream } from "../e2e/upstream/answers.ts";
import { sharedSdk } from "./support/sdk.ts";

const theSdk = sharedSdk();

type Told = Record<string, unknown>;

/** A message as it is streamed in pieces. */
function told(item: Told, output_index: number, text: string): Told[] {
  const at = { item_id: item["id"], output_index, content_index: 0 };
  const begun = { ...item, status: "in_progress", content: [] };
  return [
    { type: "response.output_item.added", output_index, item: begun },
    { type: "response.output_text.delta", ...at, delta: text },
    { type: "response.output_text.done", ...at, text },
    { type: "response.output_item.done", output_index, item },
  ];
}

const one = (id: unknown) => message("one", { id });
const two = (id: unknown) => message("two", { id });
const cases: Record<string, [streamed: Told[], final: Told[]]> = {
  "ids of their own": [[one("msg_1"), two("msg_2")], [one("msg_1"), two("msg_2")]],
  "empty ids": [[one(""), two("")], [one(""), two("")]],
  "no ids": [[one(null), two(null)], [one(null), two(null)]],
  "the same id": [[one("msg_1"), two("msg_1")], [one("msg_1"), two("msg_1")]],
  "other ids at the end": [[one("msg_1"), two("msg_2")], [one("x_1"), two("x_2")]],
  "empty ids, and nothing at the end": [[one(""), two("")], []],
  "no ids, and one at the end that was not streamed": [[one("")], [one(""), two("")]],
};

for (const [what, [streamed, final]] of Object.entries(cases)) {
  Deno.test(`messages with ${what}: each is streamed once`, async () => {
    const { client, stack: { openai } } = theSdk();
    const texts = ["one", "two"];
    openai.faults.set([
      raw(
        createStream,
        stream(
          { type: "response.created", response: response("in_progress", []) },
          ...streamed.flatMap((item, index) => told(item, index, texts[index] ?? "")),
          ended("completed", final),
        ),
        { times: 1 },
      ),
    ]);
    const events = await Array.fromAsync(
      await client.responses.create({ model: "plain", input: `with ${what}`, stream: true }),
    );
    const shown = events.flatMap((event) =>
      event.type === "response.output_text.delta" ? [event.delta] : []
    );
    assert.equal(shown.join(""), "onetwo");
    const begun = events.flatMap((event) =>
      event.type === "response.output_item.added" ? [event.output_index] : []
    );
    assert.deepEqual(begun, [0, 1]);
    const last = events.at(-1);
    assert.ok(last?.type === "response.completed");
    assert.equal(last.response.output.length, 2);
  });
}
