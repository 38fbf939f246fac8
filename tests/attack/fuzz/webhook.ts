/** `openai-webhook`: an unsigned request is refused, whatever it contains. A signed one is an event or a 4xx. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { Webhook } from "standardwebhooks";
import { countJobs } from "../../support/jobs.ts";
import type { TestStack } from "../../support/stack.ts";
import { bodyOf, headerValue, json, nearly, text } from "../support/arbitraries.ts";
import { forAllAtOnce } from "../support/fuzz.ts";
import { assertDocumented, see } from "../support/refusals.ts";

const event = fc.oneof(
  fc.record({
    id: nearly(text),
    type: nearly(fc.constantFrom("response.completed", "response.failed", "batch.completed")),
    created_at: json,
    data: nearly(fc.record({ id: nearly(text) }, { requiredKeys: [] })),
  }, { requiredKeys: [] }),
  json,
);

export function fuzzWebhook(theStack: () => TestStack): void {
  const post = (body: BodyInit, headers: Record<string, string>) =>
    see(
      fetch(`${theStack().stack.functionsUrl}/openai-webhook`, { method: "POST", body, headers }),
    );

  Deno.test("fuzz: a webhook that OpenAI has not signed is 401, whatever it holds", async () => {
    const { openai } = theStack();
    const before = openai.requests.length;
    const headers = fc.record({
      "webhook-id": headerValue,
      "webhook-timestamp": fc.oneof(headerValue, fc.integer().map(String)),
      "webhook-signature": fc.oneof(
        headerValue,
        fc.base64String({ minLength: 44, maxLength: 44 }).map((signature) => `v1,${signature}`),
        fc.constantFrom("v1,", "v1,,v1,", "v2,x v1,y", "v1a,"),
      ),
    }, { requiredKeys: [] });
    await forAllAtOnce(fc.tuple(bodyOf(event), headers), 400, async ([body, headers]) => {
      const seen = await post(body, headers);
      assert.equal(seen.status, 401, seen.text);
      assertDocumented(seen);
    });
    assert.equal(openai.requests.length, before);
  });

  Deno.test("fuzz: a signed webhook is taken or a documented 4xx, and makes no row", async () => {
    const { stack, sql } = theStack();
    const before = await countJobs(sql);
    const webhook = new Webhook(stack.webhookSecret);
    await forAllAtOnce(fc.tuple(bodyOf(event), fc.uuid()), 400, async ([given, id]) => {
      // Signatures are over text, so bytes are decoded as OpenAI's parser would decode them.
      const body = typeof given === "string"
        ? given.toWellFormed()
        : new TextDecoder().decode(given);
      const at = new Date();
      const seen = await post(body, {
        "webhook-id": id,
        "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
        "webhook-signature": webhook.sign(id, at, body),
      });
      if (seen.status !== 200) assertDocumented(seen);
    });
    assert.equal(await countJobs(sql), before);
  });
}
