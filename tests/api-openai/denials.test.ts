/** A no that comes twice, as the AI SDK's chats send it: the output after it, of a call that nobody asked for, is its reason. */
import assert from "node:assert/strict";
import {
  find,
  type Item,
  itemsOf,
  open,
  outputsOf,
  porterOn,
  reply,
  yesesOf,
} from "./support/porter.ts";
import { refusalOf } from "./support/refusal.ts";
import { sharedSdk } from "./support/sdk.ts";

const theSdk = sharedSdk();
const { ask, create, mails } = porterOn(theSdk);

const madeUp = (output: unknown): Item => ({
  type: "function_call_output",
  call_id: "made_up",
  output,
});

Deno.test("accepted once, with its reason, and in the history of the next turn", async () => {
  const before = mails();
  const { question, asked } = await ask(find, open("1"), reply);
  const answers = [...yesesOf(asked, false), madeUp("not today"), ...outputsOf(asked)];
  const input = [question, ...itemsOf(asked), ...answers];
  const answered = await create(input);
  assert.deepEqual([answered.id, answered.status], [asked.id, "completed"]);
  const { body } = theSdk().stack.openai.requests.at(-1) ?? assert.fail();
  assert.match(JSON.stringify(body), /"approve":false,"reason":"not today"/);
  assert.doesNotMatch(JSON.stringify(body), /made_up/);
  assert.equal((await create(input)).id, asked.id);

  const next = await create([...input, ...itemsOf(answered), { role: "user", content: "Thanks" }]);
  assert.notEqual(next.id, asked.id);
  assert.equal(next.status, "completed");
  assert.equal(mails(), before);
});

Deno.test("the output of a known call after a no is that call's", async () => {
  const { asked } = await ask(find, open("1"), reply);
  const answered = await create([...yesesOf(asked, false), ...outputsOf(asked, "it is shut")]);
  assert.match(answered.output_text, /it is shut/);
});

Deno.test("after a yes, or apart from the no, a made-up output is refused, and nothing is accepted", async () => {
  const { asked } = await ask(find, open("1"), reply);
  const outputs = outputsOf(asked);
  for (
    const [items, at] of [
      [[...yesesOf(asked), madeUp("x"), ...outputs], 1],
      [[...yesesOf(asked, false), ...outputs, madeUp("x")], 2],
      [[madeUp("x"), ...yesesOf(asked, false), ...outputs], 0],
    ] as const
  ) {
    const refusal = await refusalOf(create([...items]));
    assert.deepEqual([refusal.code, refusal.param], ["item_not_found", `input[${at}].call_id`]);
  }
  const { output } = await theSdk().client.responses.retrieve(asked.id);
  assert.deepEqual(output.map(({ id }) => id), asked.output.map(({ id }) => id));
});
