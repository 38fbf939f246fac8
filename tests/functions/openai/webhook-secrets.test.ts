/** During the rotation of a webhook secret, signatures by either secret are accepted. */
import assert from "node:assert/strict";
import { Webhook } from "standardwebhooks";
import { unwrapWebhook } from "../../../supabase/functions/_durable_responses/openai/verify-webhook.ts";

const secretOf = (text: string) => `whsec_${btoa(text.padEnd(24, "-"))}`;
const [old, next, other] = [secretOf("old"), secretOf("next"), secretOf("other")];

async function isAccepted(
  signedWith: string,
  secrets: string,
  changed: Record<string, string> = {},
  at = new Date(),
): Promise<boolean> {
  const body = JSON.stringify({ type: "response.completed", data: { id: "resp_1" } });
  const headers = new Headers({
    "webhook-id": "wh_1",
    "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
    "webhook-signature": new Webhook(signedWith).sign("wh_1", at, body),
    ...changed,
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

const both = `${old},${next}`;
const signedBy = (secret: string) =>
  new Webhook(secret).sign("wh_1", new Date(), JSON.stringify({ another: "body" }));

Deno.test("with two secrets, what is old, of another id, or of another body is refused all the same", async () => {
  const minutes = (count: number) => new Date(Date.now() + count * 60_000);
  assert.equal(await isAccepted(next, both, {}, minutes(-4)), true);
  assert.equal(await isAccepted(next, both, {}, minutes(-6)), false);
  assert.equal(await isAccepted(old, both, {}, minutes(6)), false);
  assert.equal(await isAccepted(next, both, { "webhook-id": "wh_2" }), false);
  assert.equal(await isAccepted(old, both, { "webhook-timestamp": "1e999" }), false);
  assert.equal(await isAccepted(old, both, { "webhook-timestamp": "NaN" }), false);
  assert.equal(await isAccepted(old, both, { "webhook-signature": signedBy(next) }), false);
});

Deno.test("of several signatures one that is right is enough, whatever the others are", async () => {
  const right = (secret: string) => {
    const body = JSON.stringify({ type: "response.completed", data: { id: "resp_1" } });
    return new Webhook(secret).sign("wh_1", new Date(), body);
  };
  for (const signature of [`${right(other)} ${right(next)}`, `v1,!! v2,x ${right(old)}`]) {
    assert.equal(await isAccepted(other, both, { "webhook-signature": signature }), true);
  }
  assert.equal(await isAccepted(old, both, { "webhook-signature": "v1,!! v1," }), false);
});

Deno.test("a secret that is none does not keep the other from being tried", async () => {
  for (const secrets of [`whsec_%%%,${next}`, `${next} whsec_`, `sk-not-one,${next}`]) {
    assert.equal(await isAccepted(next, secrets), true, secrets);
  }
});
