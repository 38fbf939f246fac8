/** Over several answers, each item of a response is shown once: text before a question does not come again after the answer. */
import assert from "node:assert/strict";
import OpenAI from "openai";
import { findEmail, replyToEmail } from "../../packages/dev/mcp/mailbox.ts";
import { sharedSdk } from "./support/sdk.ts";

const theSdk = sharedSdk();

type Response = OpenAI.Responses.Response;
type Input = OpenAI.Responses.ResponseInput;

const look = "I look at it";
const plan = ["reason hm", `text ${look}`, findEmail("invoice"), 'call open_door {"door":"1"}'];
const withApproval = [...plan, replyToEmail("It is paid.")];

const question = (steps: string[]): Input => [{
  role: "user",
  content: `${crypto.randomUUID()} [[plan: ${steps.join("; ")}]]`,
}];
const typesOf = ({ output }: Response) => output.map(({ type }) => type);
const outputsOf = ({ output }: Response): Input =>
  output.flatMap((item) =>
    item.type === "function_call"
      ? [{
        type: "function_call_output" as const,
        call_id: item.call_id,
        output: "it is open",
      }]
      : []
  );
const yesesOf = ({ output }: Response): Input =>
  output.flatMap((item) =>
    item.type === "mcp_approval_request"
      ? [{
        type: "mcp_approval_response" as const,
        approval_request_id: item.id,
        approve: true,
      }]
      : []
  );

/** The answer to a create, with the text and the items that arrived before it. */
type Create = (input: Input) => Promise<{ response: Response; text: string; items: string[] }>;
const ways: Record<string, Create> = {
  whole: async (input) => {
    const response = await theSdk().client.responses.create({ model: "porter", input });
    return { response, text: response.output_text, items: typesOf(response) };
  },
  streamed: async (input) => {
    const stream = theSdk().client.responses.stream({ model: "porter", input });
    let text = "";
    stream.on("response.output_text.delta", ({ delta }) => text += delta);
    const items: string[] = [];
    stream.on("response.output_item.done", ({ item }) => items.push(item.type));
    return { response: await stream.finalResponse() as Response, text, items };
  },
};

for (const [how, create] of Object.entries(ways)) {
  Deno.test(`${how}: what stands before the questions comes with them, and not again`, async () => {
    const { client } = theSdk();
    const asked = await create(question(withApproval));
    assert.equal(asked.text, look);
    assert.deepEqual(typesOf(asked.response).toSorted(), [
      "function_call",
      "mcp_approval_request",
      "mcp_call",
      "message",
      "reasoning",
    ]);
    assert.deepEqual(
      (await client.responses.retrieve(asked.response.id)).output.map(({ id }) => id),
      asked.response.output.map(({ id }) => id),
    );

    const half = await create(outputsOf(asked.response));
    assert.deepEqual([half.text, typesOf(half.response)], ["", ["mcp_approval_request"]]);
    assert.deepEqual(half.items, how === "streamed" ? [] : ["mcp_approval_request"]);

    const yes = yesesOf(half.response);
    const done = await create(yes);
    assert.equal(done.response.status, "completed");
    assert.doesNotMatch(done.text, new RegExp(look));
    assert.match(done.text, /open_door returned: it is open/);
    assert.deepEqual(typesOf(done.response), ["mcp_call", "message"]);
    assert.deepEqual(done.items, typesOf(done.response));
    // A library's own repeat gets the same.
    const again = await create(yes);
    assert.deepEqual([again.text, typesOf(again.response)], [done.text, typesOf(done.response)]);

    const whole = await client.responses.retrieve(done.response.id);
    assert.deepEqual(typesOf(whole), ["reasoning", "message", "mcp_call", "mcp_call", "message"]);
    const ids = (items: Response["output"]) => items.map(({ id }) => id);
    assert.deepEqual(ids(whole.output.slice(3)), ids(done.response.output));
  });

  Deno.test(`${how}: two rounds of calls`, async () => {
    const steps = [...plan, "text And the other", 'call open_door {"door":"2"}', "text Both"];
    const first = await create(question(steps));
    const second = await create(outputsOf(first.response));
    const third = await create(outputsOf(second.response));
    assert.deepEqual([first.text, second.text, third.text], [look, "And the other", "Both"]);
    assert.deepEqual(typesOf(third.response), ["message"]);
  });
}

for (const stream of [false, true]) {
  Deno.test(`an answer's stream that breaks is read on with retrieve, and nothing comes twice; the question ${stream ? "was" : "was not"} streamed`, async () => {
    const { client } = theSdk();
    const asked = stream
      ? (await ways["streamed"]?.(question(withApproval)))?.response ?? assert.fail()
      : await client.responses.create({ model: "porter", input: question(withApproval) });
    const events = await Array.fromAsync(
      await client.responses.create({
        model: "porter",
        input: [...outputsOf(asked), ...yesesOf(asked)],
        stream: true,
      }),
    );
    const line = (event: OpenAI.Responses.ResponseStreamEvent) =>
      `${event.sequence_number} ${event.type}`;
    const numbers = events.map((event) => event.sequence_number);
    assert.deepEqual(numbers, numbers.toSorted((a, b) => a - b));
    for (const [index, last] of numbers.entries()) {
      if (index % 3 !== 0 || index === numbers.length - 1) continue;
      const rest = await Array.fromAsync(
        await client.responses.retrieve(asked.id, { stream: true, starting_after: last }),
      );
      // The events of the beginning come first, and say nothing about the answer.
      if (index > 1) assert.deepEqual(rest.map(line), events.slice(index + 1).map(line));
      assert.equal(rest.at(-1)?.type, "response.completed");
    }
  });
}

Deno.test("an answer in background, then polled: the whole response", async () => {
  const { client } = theSdk();
  const asked = await client.responses.create({ model: "porter", input: question(plan) });
  const going = await client.responses.create({
    model: "porter",
    input: outputsOf(asked),
    background: true,
    stream: true,
  });
  const items: string[] = [];
  for await (const event of going) {
    if (event.type === "response.output_item.done") items.push(event.item.type);
  }
  assert.deepEqual(items, ["message"]);
  const whole = await client.responses.retrieve(asked.id);
  assert.deepEqual(typesOf(whole), ["reasoning", "message", "mcp_call", "message"]);
});
