import assert from "node:assert/strict";
import OpenAI from "openai";
import { polled, sdkForFile } from "./support/sdk.ts";

const theSdk = sdkForFile();

type Response = OpenAI.Responses.Response;

const ask = () =>
  theSdk().client.responses.create({ model: "careful", input: "Reply to the invoice mail" });
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
  assert.match(response.error?.message ?? "", /do not send the request again/);
  const events = await Array.fromAsync(await client.responses.retrieve(id, { stream: true }));
  assert.equal(events.at(-1)?.type, "response.incomplete");
});
