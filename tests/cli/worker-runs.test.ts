/** `worker` as an adopter starts it: the built package under Node, the project's functions, packages from npm. */
import assert from "node:assert/strict";
import { startOpenAI } from "../../packages/dev/openai/mod.ts";
import { findDeno } from "../../packages/dev/postgres/binaries.ts";
import { forFile } from "../support/for-file.ts";
import { readAttempts, readJob, summarizeAttempts } from "../support/jobs.ts";
import { eventually } from "../support/eventually.ts";
import { startTestStack } from "../support/stack.ts";
import { packageForFile } from "./support/package.ts";
import { supabaseProject } from "./support/supabase-project.ts";

const openaiKey = "sk-local-cli-worker-test";

const thePackage = packageForFile();
const theStack = forFile(async (parts) => {
  const openai = await startOpenAI({
    apiKey: openaiKey,
    webhookSecret: "whsec_" + btoa("secret of the worker test"),
  });
  parts.defer(() => openai.stop());
  const access = { apiKey: openaiKey, baseUrl: openai.url };
  // No Edge worker is woken, so this worker runs everything.
  const { stack, sql } = await startTestStack(parts, { cronByHand: true, openai: access });
  return { stack, sql, openaiUrl: openai.url };
});

Deno.test("worker runs a job to its answer, and drains on SIGTERM in the middle of the next one", async () => {
  const { stack, sql, openaiUrl } = theStack();
  await using project = await supabaseProject();
  await thePackage().run(["init", "--yes"], { cwd: project.folder });
  await project.write(
    ".env.durable-responses.local",
    [
      `OPENAI_API_KEY=${openaiKey}`,
      `OPENAI_BASE_URL=${openaiUrl}`,
      `DURABLE_RESPONSES_WORKER_SECRET=${stack.workerSecret}`,
      "SB_REGION=adopters-container",
    ].join("\n"),
  );
  const lines: string[] = [];
  const worker = thePackage().start(["worker", "--deno", findDeno()], {
    cwd: project.folder,
    env: {
      SUPABASE_URL: stack.apiUrl,
      SUPABASE_SECRET_KEY: stack.secretKey,
      // npm's registry may be behind a proxy whose certificate only this machine knows.
      DENO_TLS_CA_STORE: "mozilla,system",
    },
    onLine: (line) => lines.push(line),
  });
  let ended = false;
  void worker.exited.then(() => ended = true);
  try {
    // The first start fetches the packages.
    await eventually("the worker serves", () => {
      if (ended) throw new Error(`Cannot start the worker: ${lines.join("\n")}`);
      return lines.some((line) => line.includes("serving"));
    }, { timeoutMs: 120_000 });

    const enqueue = async (query: string): Promise<string> =>
      (await sql`select public.enqueue_response_job(${query}) as id`)[0]?.["id"];
    const done = await enqueue("hello [[plan: text hi]]");
    const statusOf = async (id: string) => (await readJob(sql, id)).status;
    await eventually("the answer", async () => await statusOf(done) === "completed");
    const [attempt] = await readAttempts(sql, done);
    assert.match(attempt?.worker ?? "", /^adopters-container-/);

    const thoughts = Array.from({ length: 60 }, () => "reason; sleep 500ms").join("; ");
    const long = await enqueue(`hello [[plan: ${thoughts}; text done]]`);
    const stepsOf = (id: string) =>
      sql`
      select from public.response_steps where job_id = ${id} and status = 'finished'`;
    await eventually("its first step", async () => (await stepsOf(long)).length > 0);
    await worker.stop({ signal: "SIGTERM", graceMs: 20_000 });
    assert.equal((await worker.exited).code, 0, lines.join("\n"));
    // When it ended, it woke an Edge worker, which may already have the job.
    assert.equal((await summarizeAttempts(sql, long))[0], "synchronous handed_over");
    assert.equal((await readJob(sql, long)).failures, 0);
    assert.equal((await sql`select from public.response_workers where kind = 'process'`).length, 0);
  } finally {
    await worker.stop({ signal: "SIGKILL" });
  }
});
