/** Approvals in background, as OpenAI documents them. */
import assert from "node:assert/strict";
import OpenAI from "openai";
import { eventually } from "../support/eventually.ts";
import { invoiceQuery, withStandIn } from "./openai-fixture.ts";

const guarded = { require_approval: { never: { read_only: true } } } as const;

async function finished(client: OpenAI, id: string) {
  return await eventually(
    `the end of ${id}`,
    () => client.responses.retrieve(id),
    ({ status }) => status !== "queued" && status !== "in_progress",
  );
}

Deno.test("background asks before a call, and goes on with the answer, in background", async () => {
  await withStandIn(async ({ openai, client, mcp, mailbox }) => {
    openai.faults.set([{ kind: "background-works" }]);
    const request = { model: "o3", background: true, tools: [{ ...mcp, ...guarded }] };
    const { id } = await client.responses.create({ ...request, input: invoiceQuery });
    const asked = await finished(client, id);
    assert.equal(asked.status, "completed");
    const question = asked.output.at(-1);
    assert.ok(question?.type === "mcp_approval_request");
    assert.equal(mailbox.sent.length, 0);
    const answer = {
      type: "mcp_approval_response" as const,
      approval_request_id: question.id,
      approve: true,
    };
    await assert.rejects(
      client.responses.create({
        ...request,
        previous_response_id: id,
        input: [question, answer],
      }),
      (error) =>
        error instanceof OpenAI.APIError && error.status === 400 && /Duplicate/.test(error.message),
    );
    const next = await client.responses.create({
      ...request,
      previous_response_id: id,
      input: [answer],
    });
    const done = await finished(client, next.id);
    const [call] = done.output;
    assert.ok(call?.type === "mcp_call");
    assert.equal(call.approval_request_id, question.id);
    assert.equal(mailbox.sent.length, 1);
  });
});

Deno.test("told to, it ignores require_approval, as some servers do", async () => {
  await withStandIn(async ({ openai, client, mcp, mailbox }) => {
    openai.faults.set([{ kind: "background-works" }, { kind: "ignore-approval" }]);
    const tools = [{ ...mcp, ...guarded }];
    const { id } = await client.responses.create({
      model: "o3",
      background: true,
      input: invoiceQuery,
      tools,
    });
    const { output } = await finished(client, id);
    assert.deepEqual(
      output.flatMap((item) => item.type === "mcp_call" ? [item.approval_request_id] : []),
      [null, null],
    );
    assert.equal(mailbox.sent.length, 1);
  });
});

Deno.test("a create may be answered by a page of HTML and be taken all the same", async () => {
  await withStandIn(async ({ openai, client, mcp, mailbox }) => {
    openai.faults.set([{ kind: "garbage", taken: true }, { kind: "background-works" }]);
    await client.responses.create({
      model: "o3",
      background: true,
      input: invoiceQuery,
      tools: [mcp],
    })
      .then(() => undefined, (error: unknown) => assert.ok(error instanceof Error));
    await openai.idle();
    assert.equal(mailbox.sent.length, 1);
  });
});
