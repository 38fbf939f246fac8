/** The paths that a job may take, each tried with one tiny job. */
import { z } from "zod";
import { skipped, type Verdict, warn, wrong } from "../doctor/finding.ts";
import { blame } from "./blame.ts";
import { afterTick, cronClock, nudgeMs } from "./cron-tick.ts";
import { type HarmlessTool, isFinal, type SmokeJob, type SmokeJobs } from "./job.ts";

/** Shorter than any webhook takes once the response is there. */
const fastPollMs = 1_000;

export interface Path {
  name: string;
  run(): Promise<Verdict>;
}

/** In this order: the second reads the response of the first again. */
export function smokePaths(jobs: SmokeJobs): Path[] {
  let first: SmokeJob | undefined;
  return [
    {
      name: "background, webhook",
      async run() {
        const job = await jobs.watch(await jobs.ask(true));
        if (job.status === "completed" && job.fallback_reason === null) first = job;
        return await webhookVerdict(job, jobs);
      },
    },
    {
      name: "background, polling",
      run: async () =>
        first?.response_id
          ? await polledVerdict(first.id, first.response_id, jobs)
          : skipped("needs a response that completed in background"),
    },
    { name: "fallback, nudge", run: () => nudgedVerdict(jobs) },
    { name: "fallback, cron", run: () => cronVerdict(jobs) },
    {
      name: "tool call, guard",
      run: async () =>
        jobs.options.tool ? await toolVerdict(jobs.options.tool, jobs) : skipped(
          'no profile here has a tool that its side_effects call harmless ("server.tool": "none") and its allowed_tools name',
        ),
    },
  ];
}

async function webhookVerdict(job: SmokeJob, jobs: SmokeJobs): Promise<Verdict> {
  if (job.status !== "completed") return await stuck(job, jobs);
  if (job.fallback_reason !== null) {
    return warn(
      `OpenAI did not finish it in background (${job.fallback_reason}); a worker did: ${
        costOf(job)
      }`,
      "no action needed: jobs run synchronously. If it stays this way, background: false in the profile saves the attempt",
    );
  }
  const { poll_ms } = await jobs.planOf(job.id);
  return tookMs(job) < poll_ms ? done(job) : wrong(
    `the answer came by the poll (${costOf(job)}), not by the webhook`,
    "at https://platform.openai.com/settings/project/webhooks: the URL must end in /functions/v1/openai-webhook, with the events response.*, and its secret must be the functions' OPENAI_WEBHOOK_SECRET",
  );
}

/** Uses the finished response for another job: its webhook has been sent, and is not sent again. */
async function polledVerdict(
  firstId: string,
  responseId: string,
  jobs: SmokeJobs,
): Promise<Verdict> {
  const { route } = await jobs.planOf(firstId);
  const id = await jobs.queueInSql({
    mode: "background",
    poll_ms: fastPollMs,
    route,
  });
  await jobs.project.call("record_background_response", {
    p_job_id: id,
    p_attempt: 1,
    p_response_id: responseId,
    p_poll_ms: fastPollMs,
  }, z.unknown());
  const job = await jobs.watch(id);
  return job.status === "completed" ? done(job, "no new tokens") : await stuck(job, jobs);
}

async function nudgedVerdict(jobs: SmokeJobs): Promise<Verdict> {
  await afterTick(jobs.project);
  const job = await jobs.watch(await jobs.ask(false));
  if (job.status !== "completed") return await stuck(job, jobs);
  const waitedMs = await jobs.startedAfterMs(job) ?? 0;
  return waitedMs < nudgeMs ? done(job) : wrong(
    `a worker began after ${
      seconds(waitedMs)
    }, when cron woke it: what respond sends to run-jobs does not arrive`,
    "dashboard > Edge Functions > respond > Logs: 'cannot wake'; DURABLE_RESPONSES_WORKER_SECRET must be set for the functions",
  );
}

async function cronVerdict(jobs: SmokeJobs): Promise<Verdict> {
  const { everyMs } = await cronClock(jobs.project);
  const job = await jobs.watch(await jobs.queueInSql());
  if (job.status !== "completed") return await stuck(job, jobs);
  const waitedMs = await jobs.startedAfterMs(job) ?? 0;
  return waitedMs < 2 * everyMs + nudgeMs ? done(job, `began after ${seconds(waitedMs)}`) : warn(
    `cron took ${seconds(waitedMs)} to wake a worker, but runs every ${seconds(everyMs)}`,
    "select * from cron.job_run_details order by start_time desc limit 10",
  );
}

/** The guard protects the call: it is in the ledger before the yes is sent. Here, the yes is ours. */
async function toolVerdict(tool: HarmlessTool, jobs: SmokeJobs): Promise<Verdict> {
  const id = await jobs.askForTool(tool);
  const asked = await jobs.watch(
    id,
    ({ status }) => status === "awaiting_approval" || isFinal(status),
  );
  if (asked.status === "completed") {
    return warn(
      `the model answered without calling '${tool.name}'`,
      "run it again, or use another --smoke-model",
    );
  }
  if (asked.status !== "awaiting_approval") return await stuck(asked, jobs);
  await jobs.approve(id, tool.name);
  const job = await jobs.watch(id);
  if (job.status !== "completed") return await stuck(job, jobs);
  return await jobs.finishedCalls(id, tool.name) === 1
    ? done(job, `'${tool.name}' was called once`)
    : wrong(
      `'${tool.name}' is not in the ledger as one finished call`,
      "npx durable-responses jobs show, and the tool server's own log",
    );
}

/** It failed, or had no result in time. */
async function stuck(job: SmokeJob, { project, options }: SmokeJobs): Promise<Verdict> {
  if (job.status === "failed" || job.status === "cancelled") {
    return wrong(
      `the job ${job.status}: ${job.error_code ?? ""}: ${job.error_message ?? ""}`,
      job.error_hint ?? "run the smoke test again; the logs of the functions say more",
    );
  }
  const { what, fix } = await blame(project);
  return wrong(`still ${job.status} after ${seconds(options.waitMs)}. ${what}`, fix);
}

function done(job: SmokeJob, more?: string): Verdict {
  return {
    status: "ok",
    message: more === undefined
      ? costOf(job)
      : `${seconds(tookMs(job))}, ${more}${more.includes("tokens") ? "" : `, ${tokensOf(job)}`}`,
  };
}

function costOf(job: SmokeJob): string {
  return `${seconds(tookMs(job))}, ${tokensOf(job)}`;
}

function tokensOf({ usage }: SmokeJob): string {
  return usage?.total_tokens === undefined ? "tokens unknown" : `${usage.total_tokens} tokens`;
}

function tookMs({ created_at, finished_at }: SmokeJob): number {
  return finished_at === null ? 0 : Date.parse(finished_at) - Date.parse(created_at);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
