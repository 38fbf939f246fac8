/** Items that a stream has shown and that no answer has, because their run was lost: a chat that names them continues without them. */
import assert from "node:assert/strict";
import type OpenAI from "openai";
import type { Fault } from "../../packages/dev/openai/faults/schema.ts";
import { refusalOf } from "./support/refusal.ts";
import { sharedSdk } from "./support/sdk.ts";

const theSdk = sharedSdk();
const create = (input: OpenAI.Responses.ResponseInput) =>
  theSdk().client.responses.create({ model: "mail", input });

/** A question whose text is written in some pieces, and the ids of the messages that its stream begins with. */
async function streamed(fault: Fault, until: (shown: number) => boolean) {
  const { client, stack } = theSdk();
  stack.openai.faults.set([fault]);
  const question = {
    role: "user" as const,
    content: `${crypto.randomUUID()} [[plan: text One two three four five six seven.]]`,
  };
  let response = "";
  const messages: string[] = [];
  let deltas = 0;
  const stream = await client.responses.create({ model: "mail", input: [question], stream: true });
  for await (const event of stream) {
    if (event.type === "response.created") response = event.response.id;
    if (event.type === "response.output_item.added" && event.item.type === "message") {
      messages.push(event.item.id);
    }
    if (event.type === "response.output_text.delta" && until(++deltas)) break;
  }
  return { question, response, messages };
}

/** The same items as libraries send them: by their ids, or whole. */
const forms: Record<string, (id: string) => OpenAI.Responses.ResponseInputItem> = {
  "as references": (id) => ({ type: "item_reference", id }),
  "whole": (id) => ({
    type: "message",
    id,
    role: "assistant",
    status: "completed",
    content: [{ type: "output_text", text: "One two", annotations: [] }],
  }),
};
const next = () => ({ role: "user" as const, content: `And now? ${crypto.randomUUID()}` });
const cut = {
  kind: "cut-mid-stream",
  afterType: "response.output_text.delta",
  nth: 3,
} as const;

for (const times of [1, 2]) {
  Deno.test(`the text of ${times === 1 ? "a lost attempt" : "a failed response"} stays behind`, async () => {
    const { question, response, messages } = await streamed({ ...cut, times }, () => false);
    const { status } = await theSdk().client.responses.retrieve(response);
    assert.deepEqual([messages.length, status], [2, times === 1 ? "completed" : "failed"]);
    for (const form of Object.values(forms)) {
      const { output_text } = await create([question, ...messages.map(form), next()]);
      assert.notEqual(output_text, "");
      const { body } = theSdk().stack.openai.requests.at(-1) ?? assert.fail();
      const { input } = Object(body);
      assert.deepEqual(
        input.map(({ role }: { role: string }) => role),
        times === 1 ? ["user", "assistant", "user"] : ["user", "user"],
      );
    }
  });
}

Deno.test("what is still being written is refused until the response has ended, and then left out", async () => {
  const { client } = theSdk();
  const { question, response, messages } = await streamed(
    { ...cut, kind: "stall", times: 1 },
    (shown) => shown === 2,
  );
  for (const form of Object.values(forms)) {
    const error = await refusalOf(create([question, ...messages.map(form), next()]));
    assert.deepEqual([error.status, error.code, error.param], [400, "invalid_value", "input[1]"]);
    assert.match(error.message, new RegExp(`response ${response} has not ended.*cancel it`));
  }
  await client.responses.cancel(response);
  for (const form of Object.values(forms)) {
    assert.notEqual((await create([question, ...messages.map(form), next()])).output_text, "");
  }
});

Deno.test("what a user says is not left out, whatever its id", async () => {
  const { question, messages: [id = ""] } = await streamed({ ...cut, times: 1 }, () => false);
  for (const role of ["user", "system"] as const) {
    const said = { ...forms["whole"]?.(id), role, content: "Do not send it" };
    const error = await refusalOf(
      create([question, said as OpenAI.Responses.EasyInputMessage, next()]),
    );
    assert.deepEqual([error.code, error.param], ["item_not_found", "input[1]"]);
  }
});

Deno.test("an item of somebody else's lost run is not found", async () => {
  const { stack, clientWith } = theSdk();
  const { question, messages } = await streamed({ ...cut, times: 1 }, () => false);
  const stranger = clientWith({ apiKey: (await stack.stack.createUser()).token });
  for (const form of Object.values(forms)) {
    const error = await refusalOf(
      stranger.responses.create({ model: "mail", input: [question, ...messages.map(form)] }),
    );
    assert.equal(error.code, "item_not_found");
  }
});
