import assert from "node:assert/strict";
import OpenAI from "openai";
import { polled, sharedSdk } from "./support/sdk.ts";

const theSdk = sharedSdk();

type Response = OpenAI.Responses.Response;

/** A new question each time, because the same one again would be the same response. */
const ask = () =>
  theSdk().client.responses.create({
    model: "careful",
    input: `Reply to the invoice mail ${crypto.randomUUID()}`,
  });
const requestsOf = ({ output }: Response) =>
  output.filter((item) => item.type === "mcp_approval_request");

/** Answers as the SDK's users do at OpenAI. */
const answer = (response: Response, approve: boolean) =>
  theSdk().client.responses.create({
    model: "careful",
    previous_response_id: response.id,
    input: requestsOf(response).map(({ id }) => ({
      type: "mcp_approval_response" as const,
      approval_request_id: id,
      approve,
    })),
  });

Deno.test("a call that needs a yes completes the response; the yes is sent as at OpenAI", async () => {
  const { stack } = theSdk();
  const asked = await ask();
  assert.equal(asked.status, "completed");
  assert.deepEqual(requestsOf(asked).map(({ name }) => name), ["gmail_reply_to_email"]);
  assert.equal(stack.stack.mailbox.sent.length, 0);

  const answered = await answer(asked, true);
  assert.deepEqual([answered.id, answered.status], [asked.id, "completed"]);
  assert.deepEqual(requestsOf(answered), []);
  assert.equal(stack.stack.mailbox.sent.length, 1);
});

Deno.test("a no goes to the model, and the tool is not called", async () => {
  const { stack } = theSdk();
  const before = stack.stack.mailbox.sent.length;
  const answered = await answer(await ask(), false);
  assert.equal(answered.status, "completed");
  assert.equal(stack.stack.mailbox.sent.length, before);
});

Deno.test("the helper streams up to the request, and on from the answer", async () => {
  const { client } = theSdk();
  const asked = await client.responses
    .stream({ model: "careful", input: "Reply to the invoice mail" }).finalResponse();
  const [request] = requestsOf(asked);
  assert.ok(request);
  const answered = await client.responses.stream({
    model: "careful",
    previous_response_id: asked.id,
    input: [{ type: "mcp_approval_response", approval_request_id: request.id, approve: true }],
  }).finalResponse();
  assert.equal(answered.status, "completed");
  assert.ok(answered.output_text.length > 0);
});

Deno.test("a second answer is refused: 409", async () => {
  const asked = await ask();
  await answer(asked, false);
  await assert.rejects(
    answer(asked, true),
    (error: unknown) => error instanceof OpenAI.ConflictError && error.code === "invalid_state",
  );
});

Deno.test("the same answer once more, such as a library's own repeat, is the one that was taken", async () => {
  const { stack } = theSdk();
  const asked = await ask();
  const before = stack.stack.mailbox.sent.length;
  const both = await Promise.all([answer(asked, true), answer(asked, true)]);
  assert.deepEqual(both.map(({ id, status }) => [id, status]), [
    [asked.id, "completed"],
    [asked.id, "completed"],
  ]);
  assert.equal((await answer(asked, true)).id, asked.id);
  assert.equal(stack.stack.mailbox.sent.length, before + 1);
});

/** Like a library that keeps the history itself: sends all of it, without previous_response_id. */
const answerInHistory = (
  asked: Response,
  change: (request: OpenAI.Responses.ResponseOutputItem) => object = (request) => request,
  after: OpenAI.Responses.ResponseInput = [],
) =>
  theSdk().client.responses.create({
    model: "careful",
    input: [
      { role: "user", content: "Reply to the invoice mail" },
      ...asked.output.map((item) => item.type === "mcp_approval_request" ? change(item) : item),
      ...requestsOf(asked).map(({ id }) => ({
        type: "mcp_approval_response",
        approval_request_id: id,
        approve: true,
      })),
      ...after,
    ] as OpenAI.Responses.ResponseInput,
  });

Deno.test("an answer is found by its request, whatever history stands around it", async () => {
  const { client, stack } = theSdk();
  const before = stack.stack.mailbox.sent.length;
  const asked = await ask();
  const answered = await answerInHistory(asked);
  assert.deepEqual([answered.id, answered.status], [asked.id, "completed"]);
  assert.equal(stack.stack.mailbox.sent.length, before + 1);

  // The next turn includes the answered request.
  const next = await answerInHistory(asked, undefined, [{ role: "user", content: "Thanks" }]);
  assert.notEqual(next.id, asked.id);
  assert.equal(next.status, "completed");
  // So does the next request for approval, of another response.
  const again = await client.responses.create({
    model: "careful",
    input: [
      { type: "mcp_approval_response", approval_request_id: idOf(asked), approve: true },
      { role: "user", content: "Reply to the invoice mail once more" },
    ],
  });
  const both = await client.responses.create({
    model: "careful",
    input: [asked, again].map((response) => ({
      type: "mcp_approval_response",
      approval_request_id: idOf(response),
      approve: true,
    })),
  });
  assert.equal(both.id, again.id);
});

const idOf = (asked: Response) => requestsOf(asked)[0]?.id ?? assert.fail("it asks nothing");

Deno.test("a yes to another call than the one that waits is refused: 409", async () => {
  const { stack } = theSdk();
  const before = stack.stack.mailbox.sent.length;
  const asked = await ask();
  await assert.rejects(
    answerInHistory(asked, (request) => ({ ...request, arguments: '{"to": "somebody else"}' })),
    (error: unknown) => error instanceof OpenAI.ConflictError && error.code === "decision_mismatch",
  );
  assert.equal(requestsOf(await theSdk().client.responses.retrieve(asked.id)).length, 1);
  assert.equal(stack.stack.mailbox.sent.length, before);
});

Deno.test("a question beside an answer that is still waited for is refused: 400", async () => {
  const asked = await ask();
  await assert.rejects(
    answerInHistory(asked, undefined, [{ role: "user", content: "And then?" }]),
    (error: unknown) => error instanceof OpenAI.BadRequestError && /waits/.test(error.message),
  );
});

Deno.test("of several answers all are taken or none", async () => {
  const { client } = theSdk();
  const asked = await ask();
  const [request] = requestsOf(asked);
  assert.ok(request);
  await assert.rejects(
    client.responses.create({
      model: "careful",
      previous_response_id: asked.id,
      input: [request.id, "mcpr_other"].map((approval_request_id) => ({
        type: "mcp_approval_response",
        approval_request_id,
        approve: true,
      })),
    }),
    OpenAI.ConflictError,
  );
  assert.equal(requestsOf(await client.responses.retrieve(asked.id)).length, 1);
});

Deno.test("an answer that names another model is refused: 400", async () => {
  const { client } = theSdk();
  const asked = await ask();
  await assert.rejects(
    client.responses.create({
      model: "mail",
      previous_response_id: asked.id,
      input: [{ type: "mcp_approval_response", approval_request_id: "x", approve: true }],
    }),
    (error: unknown) => error instanceof OpenAI.BadRequestError && error.param === "model",
  );
});

Deno.test("an answer without the response that asked is refused: 400", async () => {
  const { client } = theSdk();
  await assert.rejects(
    client.responses.create({
      model: "careful",
      input: [{ type: "mcp_approval_response", approval_request_id: "x", approve: true }],
    }),
    (error: unknown) =>
      error instanceof OpenAI.BadRequestError && error.param === "previous_response_id",
  );
});

Deno.test("a question to a response that waits for a yes is refused: 400", async () => {
  const { client } = theSdk();
  const asked = await ask();
  await assert.rejects(
    client.responses.create({
      model: "careful",
      input: "And?",
      previous_response_id: asked.id,
    }),
    (error: unknown) =>
      error instanceof OpenAI.BadRequestError && error.param === "previous_response_id",
  );
});

Deno.test("a side effect that may have happened makes the response incomplete, not failed", async () => {
  const { client, stack } = theSdk();
  stack.stack.mailbox.fail({ tool: "gmail_reply_to_email", when: "die", times: 1 });
  const { id } = await client.responses.create({
    model: "mail",
    input: "Reply to the invoice mail",
    background: true,
  });
  const response = await polled(client, id);
  assert.equal(response.status, "incomplete");
  assert.equal(String(response.incomplete_details?.reason), "needs_review");
  assert.match(response.error?.message ?? "", /Do not send the request again/);
  const events = await Array.fromAsync(await client.responses.retrieve(id, { stream: true }));
  assert.equal(events.at(-1)?.type, "response.incomplete");
});
