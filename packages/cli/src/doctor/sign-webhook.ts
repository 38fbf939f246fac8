/** Signs a webhook the way OpenAI does (Standard Webhooks, HMAC-SHA256). */
import { randomUUID } from "node:crypto";
import { Webhook } from "standardwebhooks";

/** During a rotation there are two secrets: either will do. */
function firstOf(secrets: string): string {
  return secrets.split(/[\s,]+/).find((secret) => secret !== "") ?? secrets;
}

/**
 * The headers for `body`.
 * @param secret `whsec_…`, or two of them
 */
export function signWebhook(
  body: string,
  secret: string,
): Record<string, string> {
  const id = `wh_${randomUUID()}`;
  const at = new Date();
  return {
    "webhook-id": id,
    "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
    "webhook-signature": new Webhook(firstOf(secret)).sign(id, at, body),
  };
}
