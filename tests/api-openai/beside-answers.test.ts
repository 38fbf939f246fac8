/** What stands beside answers in a request: new messages, what libraries repeat, and the calls that are answered. */
import assert from "node:assert/strict";
import { jobIdOf } from "../../supabase/functions/_durable_responses/model/ids.ts";
import {
  callsOf,
  find,
  type Item,
  itemsOf,
  open,
  outputsOf,
  porterOn,
  reply,
  type Response,
  yesesOf,
} from "./support/porter.ts";
import { refusalOf } from "./support/refusal.ts";
import { sharedSdk } from "./support/sdk.ts";

const theSdk = sharedSdk();
const { ask, create, done, mails } = porterOn(theSdk);

Deno.test("a call's id that an API uses again: the call beside the output says which is meant", async () => {
  const { sql } = theSdk().stack;
  const asked = [await ask(open("1")), await ask(open("2"))].map((one) => one.asked);
  for (const { id } of asked) {
    await sql`
      update public.response_steps set item = jsonb_set(item, '{call_id}', '"call_0"')
      where job_id = ${jobIdOf(id) ?? ""} and run_by = 'caller'`;
  }
  const output = { type: "function_call_output", call_id: "call_0", output: "it is open" };
  for (const { id } of asked.toReversed()) {
    const calls = callsOf(await theSdk().client.responses.retrieve(id)).map((call) => ({
      ...call,
    }));
    const answered = await create([...calls, output]);
    assert.deepEqual([answered.id, callsOf(answered)], [id, []]);
  }
});

Deno.test("a previous_response_id beside answers that names nothing of the caller's: refused, and nothing is accepted", async () => {
  const { stack, clientWith } = theSdk();
  const { asked } = await ask(find, open("1"), reply);
  const answers = [...yesesOf(asked), ...outputsOf(asked)];
  const stranger = clientWith({ apiKey: (await stack.stack.createUser()).token });
  const theirs = await stranger.responses.create({ model: "plain", input: "Hi" });
  for (const previous of [theirs.id, `resp_${"0".repeat(32)}`, "resp_openai", "nope"]) {
    const error = await refusalOf(create(answers, { previous_response_id: previous }));
    assert.deepEqual(
      [error.status, error.code, error.param],
      [400, "previous_response_not_found", "previous_response_id"],
      previous,
    );
  }
  const before = mails();
  await done(create(answers, { previous_response_id: asked.id }), asked, before);
});

Deno.test("outputs that were given before, and come masked beside a yes that waits, are history", async () => {
  const { question, asked } = await ask(find, open("1"), open("2"), reply);
  await create(outputsOf(asked));
  const before = mails();
  // As the AI SDK sends the turn with store: false: the request itself does not stand between.
  const masked = outputsOf(asked, '{"error":"Something went wrong"}');
  for (const input of [[...masked, ...yesesOf(asked)], [...yesesOf(asked), ...masked]]) {
    const whole = [question, ...callsOf(asked).map((call) => ({ ...call })), ...input];
    assert.equal((await create(whole)).id, asked.id);
    assert.equal(mails(), before + 1);
  }
  // Alone, another output than the accepted one is no history.
  const error = await refusalOf(create(masked));
  assert.deepEqual([error.status, error.code], [409, "invalid_state"]);
});

Deno.test("what libraries repeat with each request is no new message", async () => {
  const instructions = { role: "system", content: "Be brief." };
  for (const previous of [true, false]) {
    for (const whole of [true, false]) {
      const { question, asked } = await ask(find, open("1"), reply);
      const input = [
        instructions,
        ...(whole ? [{ role: "user", content: "Hello" }, question, ...itemsOf(asked)] : []),
        ...yesesOf(asked),
        ...outputsOf(asked),
      ];
      const more = previous ? { previous_response_id: asked.id } : {};
      await done(create(input, more), asked, mails());
    }
  }
});

const but = { role: "user", content: "No, wait, do NOT send it" };
const besides: [string, (asked: Response, question: Item) => [Item[], number, object?]][] = [
  ["between", (asked) => [[...yesesOf(asked), but, ...outputsOf(asked)], 1]],
  ["between, with previous_response_id", (asked) => [
    [...yesesOf(asked), but, ...outputsOf(asked)],
    1,
    { previous_response_id: asked.id },
  ]],
  ["before, without its question", (asked) => [[but, ...yesesOf(asked), ...outputsOf(asked)], 0]],
  ["before, with previous_response_id", (asked) => [
    [but, ...yesesOf(asked), ...outputsOf(asked)],
    0,
    { previous_response_id: asked.id },
  ]],
  ["after what was asked", (asked, question) => [
    [question, ...itemsOf(asked), but, ...yesesOf(asked), ...outputsOf(asked)],
    1 + asked.output.length,
  ]],
];
for (const [where, form] of besides) {
  Deno.test(`a message beside answers, ${where}: refused, and nothing is accepted`, async () => {
    const { question, asked } = await ask(find, open("1"), reply);
    const before = mails();
    const [input, at, more] = form(asked, question);
    const refused = await refusalOf(create(input, more));
    assert.deepEqual([refused.status, refused.param], [400, `input[${at}]`], refused.message);
    assert.match(refused.message, /would be lost/);
    const { output } = await theSdk().client.responses.retrieve(asked.id);
    assert.deepEqual(output, asked.output);
    assert.equal(mails(), before);
  });
}
