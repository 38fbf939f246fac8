/** The off-platform worker, as `npm run worker` starts it, beside Edge workers that live for three seconds. */
import assert from "node:assert/strict";
import { findDeno, projectRoot } from "../../local/postgres/binaries.ts";
import { type RunningProcess, startProcess } from "../../local/processes.ts";
import { readJob, summariseAttempts } from "../support/jobs.ts";
import { until } from "../support/until.ts";
import { type Bench, benchForFile, mailCounts, QUERY } from "../resume/support/bench.ts";

const theBench = benchForFile({ wallClockMs: 3_000 });
const SLOW = `${QUERY} [[plan: sleep 5000ms; find invoice; reply It is paid.]]`;

/** The workers that had a job, in order. */
const workersOf = async ({ sql }: Bench, id: string): Promise<string[]> =>
  (await sql`select worker from public.response_attempts where job_id = ${id} order by number`)
    .map(({ worker }) => worker);

async function startWorker(bench: Bench, lines: string[]): Promise<RunningProcess> {
  const worker = startProcess({
    name: "worker",
    command: findDeno(),
    args: ["run", "--allow-net", "--allow-env", "--allow-read", "worker/main.ts"],
    cwd: projectRoot,
    env: {
      SUPABASE_URL: bench.gates.database.url,
      SUPABASE_SECRET_KEYS: JSON.stringify({ default: bench.stack.secretKey }),
      OPENAI_API_KEY: bench.openaiKey,
      OPENAI_BASE_URL: `${bench.gates.openai.url}/v1`,
      DURABLE_RESPONSES_WORKER_SECRET: bench.stack.workerSecret,
      MAILBOX_MCP_URL: bench.stack.mailbox.url,
      MAILBOX_MCP_TOKEN: bench.mailboxToken,
      SB_REGION: "container",
    },
    exitSignal: "SIGKILL",
    onLine: (line) => lines.push(line),
  });
  await until("the worker serves", () => lines.some((line) => line.includes("serving")));
  return worker;
}
