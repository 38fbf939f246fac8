/** A stack whose workers can be stopped at a point and killed, and what must hold afterwards. */
import { findEmail, replyToEmail } from "../../../packages/dev/mcp/mailbox.ts";
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import type { Sql } from "postgres";
import type { OpenAIStandIn } from "../../../packages/dev/openai/mod.ts";
import type { Stack } from "../../../packages/dev/stack.ts";
import type { Answer } from "../../support/answer.ts";
import { eventually } from "../../support/eventually.ts";
import { forFile } from "../../support/for-file.ts";
import { type Gates, startGates } from "../../support/gates.ts";
import { expireAllLeases, passForBackground, replaceInput } from "../../support/job-state.ts";
import { isFinal, type JobRow, readJob } from "../../support/jobs.ts";
import { startTestStack, type TestStack, type TestStackOptions } from "../../support/stack.ts";

export const invoiceQuery =
  "Find the latest email about the invoice and reply that it is paid on Friday";

export interface Bench {
  stack: Stack;
  openai: OpenAIStandIn;
  gates: Gates;
  sql: Sql;
  /** Posts to respond, as a server. */
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** Submits a query and returns the job's id. */
  submit(profile: string, query?: string): Promise<string>;
  /** Runs the cron job that wakes the worker. */
  wake(): Promise<void>;
  /** Waits, and wakes the worker like cron, until the job is `wanted`. Default: final, or waiting for a person. */
  settled(id: string, wanted?: (row: JobRow) => boolean | Promise<boolean>): Promise<JobRow>;
  /**
   * Kills a function's workers with SIGKILL. By default, those that run jobs. Leases expire at once, and OpenAI sees the
   * streams closed, as with a dead socket; for `respond`, that is left to the test.
   */
  kill(name?: string): Promise<number[]>;
  /** Submits a query whose plan waits in the middle, and kills the worker there. The next run does not wait. */
  cutWhileThinking(profile: string): Promise<string>;
  /** Removes faults, delays, emails and recordings. */
  clear(): Promise<void>;
}

/** True if nothing more happens without a person. */
export const isSettled = (row: JobRow) =>
  isFinal(row) || row.status === "needs_review" || row.status === "awaiting_approval";

/**
 * One bench for the tests of a file.
 * @param gated whether workers reach OpenAI through the gate; without it, OpenAI notices at once if one hangs up
 */
export function benchForFile(options: TestStackOptions = {}, { gated = true } = {}): () => Bench {
  return forFile(async (parts) => {
    const gates = await startGates();
    parts.defer(() => gates.stop());
    const test = await startTestStack(parts, {
      profiles: fileURLToPath(new URL("./profiles.ts", import.meta.url)),
      cronByHand: true,
      frontOfSupabase: gates.database,
      ...(gated && { frontOfOpenAI: gates.openai }),
      ...options,
      openaiTimings: {
        queuedMs: 5,
        backgroundFailAfterMs: 20,
        stepMs: 5,
        deltaMs: 0,
        webhookDelayMs: 0,
        argumentsMs: 300,
        webhookBackoffMs: [50, 100, 200],
        ...options.openaiTimings,
      },
    });
    const { stack, openai, sql } = test;
    // These tests are not about what routes learn.
    await sql`update public.response_settings set breaker_failures = 1000`;
    return { stack, openai, gates, sql, ...actions(test, gates) };
  });
}

function actions({ stack, openai, sql, ask, wake }: TestStack, gates: Gates) {
  const post: Bench["post"] = async (path, body, headers = {}) =>
    await ask({ path, body, token: null, headers: { apikey: stack.secretKey, ...headers } });
  const submit: Bench["submit"] = async (profile, query = invoiceQuery) =>
    (await post("", { profile, query })).id;
  const kill: Bench["kill"] = async (name = "run-jobs") => {
    const pids = await stack.edge.kill(name);
    if (name !== "respond") {
      // No worker is left that could have a lease, and no new one has come yet.
      await expireAllLeases(sql);
      gates.hangUp();
    }
    return pids;
  };
  return {
    post,
    wake,
    submit,
    settled: async (
      id: string,
      wanted: (row: JobRow) => boolean | Promise<boolean> = isSettled,
    ) => {
      const { row } = await eventually(
        `the end of job ${id}`,
        async () => {
          const row = await readJob(sql, id);
          const done = await wanted(row);
          if (!done) await wake();
          return { row, done };
        },
        ({ done }) => done,
        { everyMs: 150, timeoutMs: 60_000 },
      );
      return row;
    },
    kill,
    async cutWhileThinking(profile: string) {
      const query = `${invoiceQuery} [[plan: ${findEmail("invoice")}; reason; sleep 60000ms; ${
        replyToEmail("It is paid.")
      }]]`;
      const id = await submit(profile, query);
      await eventually("the search is saved", async () => {
        const rows = await sql`
          select from public.response_steps where job_id = ${id} and kind = 'reasoning'`;
        return rows.length > 0;
      });
      await replaceInput(sql, id, query.replace("60000ms", "1ms"));
      await kill();
      return id;
    },
    async clear() {
      gates.open();
      await mailboxIdle(stack);
      openai.faults.clear();
      openai.webhooks.faults.clear();
      stack.mailbox.reset();
    },
  };
}

/** The email calls that reached the mailbox, and the emails that it sent. */
export function mailCounts({ stack: { mailbox } }: Bench) {
  const calls = (name: string) => mailbox.toolCalls.filter(({ tool }) => tool === name).length;
  return {
    finds: calls("gmail_find_email"),
    replies: calls("gmail_reply_to_email"),
    sent: mailbox.sent.length,
  };
}

/**
 * Lets time pass for a job whose worker is dead until it comes to rest. If it waits for a person, answers truthfully. Checks
 * what must hold whatever was killed at whatever time.
 */
export async function recovers(bench: Bench, id: string): Promise<JobRow> {
  const { sql, stack: { mailbox }, post } = bench;
  let row = await restingPoint(bench, id);
  assertInvariants(bench, row, await resultsOf(sql, id));
  for (let asked = 0; !isFinal(row); asked++) {
    assert.ok(asked < 4, `the job keeps asking: ${row.status}`);
    if (row.status === "awaiting_approval") await post(`/${id}/approve`, { approve: true });
    else {
      await mailboxIdle(bench.stack);
      const outcome = mailbox.sent.length > 0 ? "happened" : "did_not_happen";
      await post(`/${id}/resolve`, { outcome });
    }
    row = await restingPoint(bench, id);
    assertInvariants(bench, row, await resultsOf(sql, id));
  }
  return row;
}

/** Waits until the mailbox has finished all calls, also those of runs that were cut meanwhile. */
const mailboxIdle = ({ mailbox }: Stack) =>
  eventually(
    "no call at the mailbox",
    () => mailbox.toolCalls.every(({ outcome }) => outcome !== "running"),
  );

/** Background jobs are polled now and then, so time passes for this job, and only for it. */
async function restingPoint({ sql, settled }: Bench, id: string): Promise<JobRow> {
  return await settled(id, async (row) => {
    if (row.status === "background") await passForBackground(sql, id, 31_000);
    return isSettled(row);
  });
}

async function resultsOf(sql: Sql, id: string): Promise<number> {
  const rows = await sql`
    select from public.response_attempts where job_id = ${id} and outcome = 'completed'`;
  return rows.length;
}

function assertInvariants(bench: Bench, row: JobRow, results: number): void {
  const { sent } = mailCounts(bench);
  assert.ok(sent <= 1, `${sent} emails were sent; the job is ${row.status}`);
  assert.equal(results, row.status === "completed" ? 1 : 0, "results");
  assert.equal(row.leased_by ?? null, null, "the lease");
}
