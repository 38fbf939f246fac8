/** A query that sends an email, and how many were sent. */
import { findEmail, replyToEmail } from "../../../packages/dev/mcp/mailbox.ts";
import type { Fault } from "../../../packages/dev/openai/mod.ts";
import type { TestStack } from "../../support/stack.ts";
import { functionsAreDone, openaiIsDone } from "../background/at-openai.ts";

export const query = `[[plan: ${findEmail("invoice")}; ${
  replyToEmail("It is paid.")
}]] Look after the invoice`;
export const works: Fault = { kind: "background-works" };

/** Matches the request of the attempt with this number. */
export const ofAttempt = (number: number) => ({
  metadata: { durable_responses_attempt: String(number) },
});

/** Begins with only these faults, and an empty mailbox. */
export function begin({ openai, stack }: TestStack, faults: Fault[]): void {
  stack.mailbox.reset();
  openai.webhooks.faults.clear();
  openai.faults.set(faults);
}

/** How many emails were sent, once everything is idle. */
export async function sentInAll(test: TestStack): Promise<number> {
  await openaiIsDone(test);
  await functionsAreDone(test);
  return test.stack.mailbox.sent.length;
}

/** The creates since `from`, as they were sent. */
export function createsSince(
  { openai }: TestStack,
  from: number,
): Record<string, unknown>[] {
  return openai.requests.slice(from).filter(({ method, path }) =>
    method === "POST" && path === "/v1/responses"
  ).map(({ body }) => ({ ...Object(body) }));
}
