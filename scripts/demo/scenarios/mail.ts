/** What several scenarios share: the email request, and what must be true at its end. */
import { invoicePlan } from "../../../packages/dev/mcp/mailbox.ts";
import { type AttemptRow, attemptsOf, jobOf, type Rows } from "../observe/rows.ts";
import { expect, expectEqual, type ScenarioContext } from "../scenario.ts";

export const mailQuery =
  "Find the latest email about the overdue invoice and reply that it will be paid on Friday";

/** The OpenAI stand-in's plan for it. */
export const mailPlans = { [mailQuery]: invoicePlan };

/** Longest wait for a scenario's job, in ms. */
export const resultMs = 120_000;

/** Waits for the answer as the caller, and checks it. @returns the tables at that moment */
export async function completed(context: ScenarioContext, id: string): Promise<Rows> {
  const { status, output_text, error } = await context.caller.result(id, { timeoutMs: resultMs });
  expectEqual(status, "completed", `status of the job${error ? ` (${error.message})` : ""}`);
  expect(Boolean(output_text), "the answer has a text");
  return await context.look();
}

/** Asks for the email, and checks by which attempts it was found and answered, once. */
export async function sendMail(
  context: ScenarioContext,
  profile: string,
  expected: { attempts: string; fallback: string | null },
): Promise<void> {
  const { id } = await context.caller.ask({ profile, query: mailQuery });
  const rows = await completed(context, id);
  expectAttempts(rows, id, expected.attempts);
  expectFallback(rows, id, expected.fallback);
  expectMailbox(context, { finds: 1, replies: 1, emails: 1 });
}

/** A job's attempts, without those that a worker gave back, because it may be too slow for a short lease on a busy machine. */
export function attemptsKept(rows: Rows, id: string): AttemptRow[] {
  return attemptsOf(rows, id).filter(({ outcome }) => outcome !== "handed_over");
}

/** Checks how the job's attempts ended, in order: `mode outcome, …`, without those that a worker gave back. */
export function expectAttempts(rows: Rows, id: string, expected: string): void {
  const ends = attemptsKept(rows, id).map(({ mode, outcome }) => `${mode} ${outcome}`);
  expectEqual(ends.join(", "), expected, "runs of the job");
}

/** Checks that the job fell back for this reason, or did not fall back. */
export function expectFallback(rows: Rows, id: string, reason: string | null): void {
  expectEqual(jobOf(rows, id).fallback_reason, reason, "fallback_reason");
}

/** Checks how often the mailbox was really called, by tool, and how many emails it sent. */
export function expectMailbox(
  { stack: { mailbox } }: ScenarioContext,
  { finds, replies, emails }: { finds: number; replies: number; emails: number },
): void {
  const count = (name: string) => mailbox.toolCalls.filter(({ tool }) => tool === name).length;
  expectEqual(
    {
      finds: count("gmail_find_email"),
      replies: count("gmail_reply_to_email"),
      emails: mailbox.sent.length,
    },
    { finds, replies, emails },
    "calls that reached the mailbox",
  );
}
