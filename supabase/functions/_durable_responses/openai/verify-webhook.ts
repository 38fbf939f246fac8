/** The signature of a webhook. */
import { verifyWebhookSignature } from "openai/lib/webhook-signature";

/** How old a webhook may be, and how far ahead of our clock, s: what the SDK's client allows. */
const toleranceS = 300;

/**
 * Checks a webhook as the SDK's `webhooks.unwrap` does, with its own function for it; the class around that function
 * brings the client along (see callOpenAI).
 * @param secrets while one is replaced by another, both, separated by a comma or a space: what one of them has signed is accepted
 * @returns the event, as JSON that is still to be parsed
 * @throws Error when a header is missing, the signature or the time is not right, or the body is not JSON
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

/** The secrets that a variable holds. */
export function secretsIn(secrets: string): string[] {
  return secrets.split(/[\s,]+/).filter((secret) => secret !== "");
}

/** An id left out would leave it out of what is signed, too. */
function required(headers: Headers, name: string): string {
  const value = headers.get(name);
  if (!value) throw new Error(`Cannot verify the webhook: the header ${name} is missing`);
  return value;
}
