/** While a webhook's secret is replaced, what either of the two has signed is accepted. */
import assert from "node:assert/strict";
import { Webhook } from "standardwebhooks";
import { unwrapWebhook } from "../../../supabase/functions/_durable_responses/openai/verify-webhook.ts";

const secretOf = (text: string) => `whsec_${btoa(text.padEnd(24, "-"))}`;
const [old, next, other] = [secretOf("old"), secretOf("next"), secretOf("other")];

async function isAccepted(signedWith: string, secrets: string): Promise<boolean> {
  const body = JSON.stringify({ type: "response.completed", data: { id: "resp_1" } });
  const at = new Date();
  const headers = new Headers({
    "webhook-id": "wh_1",
    "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
    "webhook-signature": new Webhook(signedWith).sign("wh_1", at, body),
  });
  try {
    assert.deepEqual(await unwrapWebhook(body, headers, secrets), JSON.parse(body));
    return true;
  } catch (error) {
    assert.ok(error instanceof Error && !(error instanceof assert.AssertionError));
    return false;
  }
}

for (const secrets of [`${old},${next}`, `${old} ${next}`, ` ${next} , ${old} `]) {
  Deno.test(`'${secrets}' takes what either has signed, and nothing else`, async () => {
    assert.deepEqual(
      [
        await isAccepted(old, secrets),
        await isAccepted(next, secrets),
        await isAccepted(other, secrets),
      ],
      [true, true, false],
    );
  });
}

Deno.test("no secret takes nothing", async () => assert.equal(await isAccepted(old, " , "), false));
