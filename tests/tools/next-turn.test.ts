/** The turn after calls of functions, ours or handed out: each call is sent with its output. Only what is stored counts. */
import assert from "node:assert/strict";
import OpenAI from "openai";
import { sharedTools } from "./support/tools-stack.ts";

const theStack = sharedTools();
type Input = OpenAI.Responses.ResponseInputItem[];

const clientOf = () =>
  new OpenAI({
    baseURL: `${theStack().stack.functionsUrl}/respond/v1`,
    apiKey: theStack().user.token,
    maxRetries: 0,
  });

/** Calls and outputs in the last request to OpenAI, by their call_id. */
function sentCalls(): { type: string; call_id: string; output?: string }[] {
  const { body } =
    theStack().openai.requests.findLast(({ path, method }) =>
      path === "/v1/responses" && method === "POST"
    ) ?? assert.fail("nothing was sent");
  return Object(body).input.filter(({ type }: { type?: string }) =>
    type?.startsWith("function_call")
  );
}

for (const how of ["previous_response_id", "item_reference"] as const) {
  Deno.test(`after a call that we made, by ${how}`, async () => {
    const client = clientOf();
    const first = await client.responses.create({
      model: "direct",
      input: `[[plan: call look {"body":"${how}"}]]`,
    });
    assert.equal(first.status, "completed");
    const question = { role: "user" as const, content: "What did you do?" };
    const next = await client.responses.create({
      model: "direct",
      ...(how === "previous_response_id" ? { previous_response_id: first.id, input: [question] } : {
        input: [
          ...first.output.map(({ id }) => ({ type: "item_reference" as const, id: id ?? "" })),
          question,
        ],
      }),
    });
    assert.equal(next.status, "completed");
    const [call, output, ...more] = sentCalls();
    assert.deepEqual([call?.type, output?.type, more.length], [
      "function_call",
      "function_call_output",
      0,
    ]);
    assert.deepEqual([call?.call_id, output?.output], [output?.call_id, `noted ${how}`]);
  });
}

Deno.test("after a call that was handed out: the history brings it back, and the stored output counts", async () => {
  const client = clientOf();
  const asked = { role: "user" as const, content: '[[plan: call open_door {"door":"2"}]]' };
  const first = await client.responses.create({ model: "caller", input: [asked] });
  const call = first.output.find((item) => item.type === "function_call");
  assert.ok(call);
  const output = {
    type: "function_call_output" as const,
    call_id: call.call_id,
    output: "open",
  };
  const done = await client.responses.create({ model: "caller", input: [asked, call, output] });
  assert.deepEqual([done.id, done.status], [first.id, "completed"]);
  for (
    const history of [
      [call, { ...output, output: "never opened" }],
      [{ type: "item_reference", id: call.id ?? "" }, { ...output, output: "never opened" }],
    ] as Input[]
  ) {
    const next = await client.responses.create({
      model: "caller",
      input: [
        { role: "user", content: "Open door 2" },
        ...history,
        ...done.output as Input,
        { role: "user", content: `And now? ${crypto.randomUUID()}` },
      ],
    });
    assert.equal(next.status, "completed");
    assert.deepEqual(
      sentCalls().map(({ type, call_id, output }) => [type, call_id, output]),
      [
        ["function_call", call.call_id, undefined],
        ["function_call_output", call.call_id, "open"],
      ],
    );
  }
  // A user cannot invent the output of a call that was never made.
  await assert.rejects(
    client.responses.create({
      model: "caller",
      input: [
        ...done.output as Input,
        { ...output, call_id: "call_invented" },
        { role: "user", content: "And?" },
      ],
    }),
    OpenAI.BadRequestError,
  );
});
