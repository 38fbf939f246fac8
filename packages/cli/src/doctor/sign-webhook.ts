/** Signs a webhook the way OpenAI does (Standard Webhooks, HMAC-SHA256). */
import { randomUUID } from "node:crypto";
import { Webhook } from "standardwebhooks";
import { z } from "zod";

const base64 = z.base64().min(4);

/** During a rotation there are two secrets. */
function secretsIn(text: string): string[] {
  return text.split(/[\s,]+/).filter((secret) => secret !== "");
}

/** Whether it is one, or two of them, in the form in which OpenAI shows it. */
export function isWebhookSecret(text: string): boolean {
  const secrets = secretsIn(text);
  return secrets.length > 0 &&
    secrets.every((secret) =>
      secret.startsWith("whsec_") && base64.safeParse(secret.slice("whsec_".length)).success
    );
}

/**
 * The headers for `body`.
 * @param secret one that isWebhookSecret() accepts
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
    // Either of two will do.
    "webhook-signature": new Webhook(secretsIn(secret)[0] ?? "").sign(id, at, body),
  };
}
