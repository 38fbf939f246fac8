/**
 * One stack for several test files, because each start costs 5 s of CPU. A file has a user of its own, and a test finds no job
 * at work, no fault, no email, no interception and no route's lesson that another one left. Files whose tests change more than
 * that, such as the settings, or that set something before all of their tests, have their own stack (`stackForFile`).
 */
import assert from "node:assert/strict";
import { eventually } from "./eventually.ts";
import { forFile } from "./for-file.ts";
import { forgetRoutes } from "./job-state.ts";
import { sharedBy } from "./shared.ts";
import { startTestStack, type TestStack, type TestStackOptions } from "./stack.ts";

const startedOnce = sharedBy(startTestStack, renewStack);
const startedOnceBusy = sharedBy(startTestStack, forgetSettings);

/** The stack that all files of a group share which ask for these options. */
export function sharedStack(options: TestStackOptions): () => TestStack {
  return withUser(startedOnce(options));
}

/** The same for tests that count no emails and no requests: the jobs that another test left may still run. */
export function sharedBusyStack(options: TestStackOptions): () => TestStack {
  return withUser(startedOnceBusy(options));
}

function withUser(theStack: () => TestStack): () => TestStack {
  return forFile(async () => {
    const shared = theStack();
    return shared.as(await shared.stack.createUser());
  });
}

/** Takes back what a test left in a shared stack. Jobs that wait for a person stay. */
export async function renewStack(test: TestStack): Promise<void> {
  await forgetSettings(test);
  await eventually(
    "the end of jobs that an earlier test left at work",
    () => endLeft(test),
    (left) => left.length === 0,
  );
  test.stack.mailbox.reset();
  await forgetRoutes(test.sql);
  test.reuseCopies();
}

/** Takes back faults, interceptions and what routes have learned. */
async function forgetSettings({ proxy, sql, openai }: TestStack): Promise<void> {
  proxy.intercept = undefined;
  openai.faults.clear();
  openai.webhooks.faults.clear();
  await forgetRoutes(sql);
}

/** Cancels jobs that go on by themselves; what runs ends by itself. @returns what is left */
async function endLeft({ sql, ask, stack }: TestStack): Promise<string[]> {
  const left = await sql<{ id: string; status: string }[]>`
    select id, status from public.response_jobs_internal where status in ('queued', 'background', 'running')`;
  for (const { id } of left.filter(({ status }) => status !== "running")) {
    const { status, body } = await ask({
      method: "POST",
      path: `/${id}/cancel`,
      token: null,
      headers: { apikey: stack.secretKey },
    });
    // 409: it has just ended.
    assert.ok([200, 409].includes(status), `Cannot cancel job ${id}: ${body.error?.message}`);
  }
  return left.map(({ id, status }) => `job ${id} is ${status}`);
}
