/** The off-platform worker, as `npm run worker` starts it, next to Edge workers that live for three seconds. */
import assert from "node:assert/strict";
import type { Sql } from "postgres";
import { startOpenAI } from "../../packages/dev/openai/mod.ts";
import { findDeno, projectRoot } from "../../packages/dev/postgres/binaries.ts";
import { denoEnvironment } from "../../packages/dev/child-environment.ts";
import { type RunningProcess, startProcess } from "../../packages/dev/processes.ts";
import type { Stack } from "../../packages/dev/stack.ts";
import { forFile } from "../support/for-file.ts";
import { readAttempts, readJob, summarizeAttempts } from "../support/jobs.ts";
import { eventually } from "../support/eventually.ts";
import { startTestStack } from "../support/stack.ts";

const openaiKey = "sk-local-process-test";

interface Parts {
  stack: Stack;
  sql: Sql;
  /** Starts the worker. Resolves when it serves. */
  start(): Promise<RunningProcess>;
}

const theParts = forFile<Parts>(
  async (parts) => {
    const openai = await startOpenAI({
      apiKey: openaiKey,
      webhookSecret: "whsec_" + btoa("secret of the process test"),
    });
    parts.defer(() => openai.stop());
    const { stack, sql } = await startTestStack(parts, {
      wallClockMs: 3_000,
      cronByHand: true,
      openai: { apiKey: openaiKey, baseUrl: openai.url },
    });
    return { stack, sql, start: () => startWorker(stack, openai.url) };
  },
);

async function startWorker(stack: Stack, openaiUrl: string): Promise<RunningProcess> {
  const lines: string[] = [];
  const worker = startProcess({
    name: "worker",
    command: findDeno(),
    args: ["run", "--allow-net", "--allow-env", "--allow-read", "scripts/worker/main.ts"],
    cwd: projectRoot,
    env: denoEnvironment({
      SUPABASE_URL: stack.apiUrl,
      SUPABASE_SECRET_KEYS: JSON.stringify({ default: stack.secretKey }),
      OPENAI_API_KEY: openaiKey,
      OPENAI_BASE_URL: openaiUrl,
      DURABLE_RESPONSES_WORKER_SECRET: stack.workerSecret,
      SB_REGION: "container",
    }),
    onLine: (line) => lines.push(line),
  });
  await eventually("the worker serves", () => lines.some((line) => line.includes("serving")));
  return worker;
}

/** Queues a query in SQL, for a synchronous run. */
async function enqueue(sql: Sql, query: string): Promise<string> {
  const [row] = await sql`select public.enqueue_response_job(${query}) as id`;
  return row?.["id"];
}

/** Where each attempt ran: in an Edge worker ("local") or in the process ("container"). */
const placesOf = async (sql: Sql, id: string): Promise<string[]> =>
  (await readAttempts(sql, id)).map(({ worker }) => worker?.split("-")[0] ?? "");

Deno.test("it takes over the job that no Edge worker lives long enough for", async () => {
  const { stack, sql, start } = theParts();
  const id = await enqueue(sql, "hello [[plan: sleep 5000ms; text done]]");
  await stack.cron.runJob("durable-responses-wake");
  await eventually("an Edge worker has it", async () => (await placesOf(sql, id)).length > 0);
  const worker = await start();
  try {
    await eventually(
      "the end of the job",
      async () => (await readJob(sql, id)).status === "completed",
    );
    const places = await placesOf(sql, id);
    assert.deepEqual([places[0], places.at(-1)], ["local", "container"]);
    assert.equal((await readJob(sql, id)).failures, 0);
  } finally {
    await worker.stop();
  }
});

Deno.test("it looks for more while a long run is under way, and drains on SIGTERM", async () => {
  const { sql, start } = theParts();
  const thoughts = Array.from({ length: 30 }, () => "reason; sleep 400ms").join("; ");
  const long = await enqueue(sql, `hello [[plan: ${thoughts}; text done]]`);
  const worker = await start();
  await eventually("the long run", async () => (await placesOf(sql, long)).length > 0);
  const short = await enqueue(sql, "hello [[plan: text hi]]");
  await eventually(
    "the end of the short one",
    async () => (await readJob(sql, short)).status === "completed",
  );
  assert.equal((await readJob(sql, long)).status, "running");
  await worker.stop({ signal: "SIGTERM", graceMs: 8_000 });
  assert.equal((await worker.exited).code, 0, "it ended by itself");
  // When it ended, it woke an Edge worker, which may already have the job.
  assert.equal((await summarizeAttempts(sql, long))[0], "synchronous handed_over");
  assert.equal((await readJob(sql, long)).failures, 0);
  const left = await sql`select from public.response_workers where kind = 'process'`;
  assert.equal(left.length, 0, "it signed off");
});
