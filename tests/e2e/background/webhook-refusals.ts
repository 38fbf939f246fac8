/** A webhook that OpenAI has not sent, or not recently: 401, and nothing changes. */
import assert from "node:assert/strict";
import { Webhook } from "standardwebhooks";
import { readAnswer } from "../../support/answer.ts";
import { readAttempts, readJob } from "../../support/jobs.ts";
import type { TestStack } from "../../support/stack.ts";
import { raw, response, retrieve } from "../upstream/answers.ts";
import { callsFor, functionsAreDone, handedOver } from "./at-openai.ts";

export function testWebhookRefusals(theStack: () => TestStack): void {
  for (
    const [forge, name] of [
      ["secret", "of another secret"],
      ["timestamp", "of an hour ago"],
      ["body", "whose body was changed"],
    ] as const
  ) {
    Deno.test(`a webhook ${name} is 401, and nothing changes`, async () => {
      const { openai, sql, ask } = theStack();
      const { id, responseId } = await handedOver(theStack(), { kind: "stuck-in-progress" });
      const before = [await readJob(sql, id), await readAttempts(sql, id)];
      const status = await openai.webhooks.send({ type: "response.completed", responseId, forge });
      assert.equal(status, 401);
      await functionsAreDone(theStack());
      assert.deepEqual([await readJob(sql, id), await readAttempts(sql, id)], before);
      assert.equal(callsFor(theStack(), responseId), 0);
      await ask({ method: "POST", path: `/${id}/cancel` });
    });
  }

  const post = async (body: string, headers: Record<string, string> = {}, method = "POST") =>
    await readAnswer(
      await fetch(`${theStack().stack.functionsUrl}/openai-webhook`, {
        method,
        headers,
        ...(method === "POST" && { body }),
      }),
    );

  /** Headers of a genuine webhook. */
  const signed = (body: string) => {
    const now = new Date();
    const id = `evt_${crypto.randomUUID()}`;
    return {
      "webhook-id": id,
      "webhook-timestamp": String(Math.floor(now.getTime() / 1000)),
      "webhook-signature": new Webhook(theStack().stack.webhookSecret).sign(id, now, body),
    };
  };

  Deno.test("a webhook without a signature is 401, whatever is in it", async () => {
    for (const body of ["", "{}", "not json"]) {
      const answer = await post(body);
      assert.deepEqual([answer.status, answer.code], [401, "invalid_signature"]);
    }
  });

  Deno.test("a signed body that is no event is 400", async () => {
    const body = '{"hello":"world"}';
    const answer = await post(body, signed(body));
    assert.deepEqual([answer.status, answer.code], [400, "invalid_request"]);
  });

  Deno.test("an event of another kind, or about a response of somebody else, is accepted and left", async () => {
    const { openai } = theStack();
    const batch = JSON.stringify({ type: "batch.completed", data: { id: "batch_1" } });
    assert.equal((await post(batch, signed(batch))).status, 200);
    const status = await openai.webhooks.send({
      type: "response.completed",
      responseId: "resp_of_somebody_else",
    });
    assert.equal(status, 200);
    await functionsAreDone(theStack());
  });

  Deno.test("metadata that no attempt of ours has, and ids that no response can have, are nobody's", async () => {
    const { openai, sql, proxy } = theStack();
    const key = (job: string, attempt: string) => ({
      durable_responses_job_id: job,
      durable_responses_attempt: attempt,
    });
    const { id, responseId } = await handedOver(theStack(), { kind: "stuck-in-progress" });
    const before = await readJob(sql, id);
    const adopted: string[] = [];
    proxy.intercept = (path) => {
      if (path.endsWith("/adopt_background_response")) adopted.push(path);
      return undefined;
    };
    const odd = [
      key("hello", "1"),
      key("\0", "1"),
      ...["", "0", "-1", "1e0", " 1", "1.5", "2147483648", "99999999999"].map((n) => key(id, n)),
    ];
    for (const metadata of odd) {
      openai.faults.set([raw(retrieve, { body: response("completed", [], { metadata }) })]);
      await openai.webhooks.send({ type: "response.completed", responseId: "resp_unknown" });
      await functionsAreDone(theStack());
    }
    const asked = openai.requests.length;
    for (const unusable of ["a\ud83d", "a\0", "..", ".", "", "r".repeat(601)]) {
      const body = JSON.stringify({ type: "response.completed", data: { id: unusable } });
      assert.equal((await post(body, signed(body))).status, 200);
      await functionsAreDone(theStack());
    }
    proxy.intercept = undefined;
    openai.faults.clear();
    assert.deepEqual([adopted, openai.requests.length], [[], asked]);
    assert.deepEqual(await readJob(sql, id), before);
    assert.equal(callsFor(theStack(), responseId), 0);
  });

  Deno.test("a webhook by GET is 405, a huge one 413", async () => {
    assert.equal((await post("", {}, "GET")).status, 405);
    assert.equal((await post("x".repeat(1_000_001))).status, 413);
  });
}
