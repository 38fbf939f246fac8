/** A stack whose workers can be stopped at a point and killed, and what must hold afterwards. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import type { Sql } from "postgres";
import type { OpenAIStandIn } from "../../../local/openai/mod.ts";
import { type Stack, type StackOptions, startStack } from "../../../local/stack.ts";
import { type Answer, readAnswer } from "../../support/answer.ts";
import { eventually } from "../../support/eventually.ts";
import { forFile } from "../../support/for-file.ts";
import { type Gates, startGates } from "../../support/gates.ts";
import { isFinal, type JobRow, readJob } from "../../support/jobs.ts";
import { advance } from "../../support/time_travel.ts";
import { until } from "../../support/until.ts";

export const QUERY = "Find the latest email about the invoice and reply that it is paid on Friday";

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
  /** Waits, waking the worker as cron would, until the job is `wanted`: by default final or a person's. */
  settled(id: string, wanted?: (row: JobRow) => boolean): Promise<JobRow>;
  /** Kills the workers that run jobs, with SIGKILL. */
  kill(): Promise<number[]>;
  /** Takes away faults, delays, e-mails and what was recorded. */
  clear(): Promise<void>;
}

/** Where nothing happens any more without a person. */
export const isSettled = (row: JobRow) =>
  isFinal(row) || row.status === "needs_review" || row.status === "awaiting_approval";

/** One bench for the tests of a file. */
export function benchForFile(options: StackOptions = {}): () => Bench {
  return forFile(async (parts) => {
    const gates = await startGates();
    parts.defer(() => gates.stop());
    const stack = await startStack({
      durable: false,
      profiles: fileURLToPath(new URL("./profiles.ts", import.meta.url)),
      ...options,
      openaiTimings: {
        ...{ queuedMs: 5, backgroundFailAfterMs: 20, stepMs: 5, deltaMs: 0, webhookDelayMs: 0 },
        ...{ argumentsMs: 150, webhookBackoffMs: [50, 100, 200] },
        ...options.openaiTimings,
      },
      env: {
        SUPABASE_URL: gates.database.url,
        OPENAI_BASE_URL: `${gates.openai.url}/v1`,
        ...options.env,
      },
    });
    parts.defer(() => stack.stop());
    const { openai } = stack;
    if (openai === undefined) throw new Error("Cannot test without the OpenAI stand-in");
    gates.database.target = stack.apiUrl;
    gates.openai.target = openai.origin;
    stack.cron.pause();
    const sql = stack.database.connect("supabase_admin", "postgres", { max: 3 });
    parts.defer(() => sql.end());
    // What routes learn is not what these tests are about.
    await sql`update public.response_settings set breaker_failures = 1000`;
    return { ...{ stack, openai, gates, sql }, ...actions(stack, openai, gates, sql) };
  });
}

function actions(stack: Stack, openai: OpenAIStandIn, gates: Gates, sql: Sql) {
  const post: Bench["post"] = async (path, body, headers = {}) =>
    await readAnswer(
      await fetch(`${stack.functionsUrl}/respond${path}`, {
        method: "POST",
        headers: { apikey: stack.secretKey, ...headers },
        body: JSON.stringify(body),
      }),
    );
  const wake = async () => {
    const { status, message } = await stack.cron.runJob("durable-responses-wake");
    if (status === "failed") throw new Error(`Cannot wake the worker: ${message}`);
    await stack.net.flush();
  };
  return {
    post,
    wake,
    submit: async (profile: string, query = QUERY) => (await post("", { profile, query })).id,
    settled: async (id: string, wanted = isSettled) =>
      await eventually(
        `the end of job ${id}`,
        async () => {
          const row = await readJob(sql, id);
          if (!wanted(row)) await wake();
          return row;
        },
        wanted,
        { everyMs: 60 },
      ),
    async kill() {
      const pids = await stack.edge.kill("run-jobs");
      gates.hangUp();
      return pids;
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

/** The e-mail's calls as they reached the mailbox, and the e-mails that left it. */
export function mailCounts({ stack: { mailbox } }: Bench) {
  const calls = (name: string) => mailbox.toolCalls.filter(({ tool }) => tool === name).length;
  return {
    finds: calls("gmail_find_email"),
    replies: calls("gmail_reply_to_email"),
    sent: mailbox.sent.length,
  };
}

/**
 * Lets time pass for a job whose worker is dead until it comes to rest, answers as an honest person would where it waits
 * for one, and checks what must hold whatever was killed when.
 */
export async function recovers(bench: Bench, id: string): Promise<JobRow> {
  const { sql, stack: { mailbox }, post } = bench;
  await advance(sql, id, 31_000);
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

/** Waits until the mailbox has done what it was asked, also by runs that were cut meanwhile. */
const mailboxIdle = ({ mailbox }: Stack) =>
  until(
    "no call at the mailbox",
    () => mailbox.toolCalls.every(({ outcome }) => outcome !== "running"),
  );

/** A background job is looked at now and then: its time is made to pass. */
async function restingPoint(bench: Bench, id: string): Promise<JobRow> {
  return await bench.settled(id, (row) => {
    if (row.status === "background") void advance(bench.sql, id, 31_000);
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
  assert.ok(sent <= 1, `${sent} e-mails were sent; the job is ${row.status}`);
  assert.equal(results, row.status === "completed" ? 1 : 0, "results");
  assert.equal(row.leased_by ?? null, null, "the lease");
}
