/** The signature of a webhook. */
import { verifyWebhookSignature } from "openai/lib/webhook-signature";

/** How old a webhook may be, and how far ahead of our clock, in s: the same as the SDK's client. */
const toleranceS = 300;

/**
 * Checks a webhook as the SDK's `webhooks.unwrap` does, with the SDK's own function. The class around that function would
 * bring the client along (see callOpenAI).
 * @param secrets during a rotation both, separated by a comma or a space: a signature by either is accepted
 * @returns the event, as JSON that must still be parsed
 * @throws Error if a header is missing, the signature or the time is wrong, or the body is not JSON
 */
export async function unwrapWebhook(
  body: string,
  headers: Headers,
  secrets: string,
): Promise<unknown> {
  const given = [
    required(headers, "webhook-signature"),
    required(headers, "webhook-timestamp"),
    required(headers, "webhook-id"),
  ] as const;
  let refusal: unknown = new Error("Cannot check the webhook: no secret is set");
  for (const secret of secretsIn(secrets)) {
    try {
      await verifyWebhookSignature(body, ...given, secret, toleranceS);
      return JSON.parse(body);
    } catch (error) {
      refusal = error;
    }
  }
  throw refusal;
}

/** The secrets in a variable. */
export function secretsIn(secrets: string): string[] {
  return secrets.split(/[\s,]+/).filter((secret) => secret !== "");
}

/** A missing id would also be missing from what is signed. */
function required(headers: Headers, name: string): string {
  const value = headers.get(name);
  if (!value) throw new Error(`Cannot verify the webhook: the header ${name} is missing`);
  return value;
}
