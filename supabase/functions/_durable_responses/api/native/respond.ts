import * as jobs from "../../db/jobs.ts";
import { cancelJob } from "../../jobs/cancel.ts";
import { submitJob } from "../../jobs/submit.ts";
import { waitForJob } from "../../jobs/wait.ts";
import { wakeWorker } from "../../jobs/wake.ts";
import { type Caller, visibilityOf } from "../../model/caller.ts";
import type { Job } from "../../model/job.ts";
import { isFinal } from "../../model/status.ts";
import * as z from "../../model/zod.ts";
import { environment } from "../../platform/environment.ts";
import { RequestError } from "../../platform/errors.ts";
import { waitUntil } from "../../platform/runtime.ts";
import type { Profiles } from "../../profiles/profile.ts";
import { readJson } from "../http/body.ts";
import { identifyCaller } from "../http/identify-caller.ts";
import { usableLife, waitLeftMs } from "../http/limits.ts";
import { requireMethod } from "../http/method.ts";
import { answering, json, nameFunction, pathOfJob, preflight } from "../http/reply.ts";
import { withRoom } from "../http/room.ts";
import { readSubmission } from "../http/submission.ts";

/** The call that a decision is about, as the job's `waiting` showed it. */
const seen = {
  request_id: z.optional(z.string().check(z.maxLength(200))),
  digest: z.optional(
    z.string().check(z.regex(/^[0-9a-f]{64}$/, "it must be the digest of an entry in 'waiting'")),
  ),
};
const approvalSchema = z.strictObject({
  approve: z.boolean(),
  reason: z.optional(z.string().check(z.maxLength(1000))),
  ...seen,
});
const resolutionSchema = z.strictObject({
  outcome: z.enum(["happened", "did_not_happen", "cancel"]),
  output: z.optional(z.string().check(z.maxLength(100_000))),
  ...seen,
});

/**
 * The Edge Function `respond`: `POST /`, `GET /:id`, `DELETE /:id`, `POST /:id/cancel|retry|approve|resolve|tool-output`,
 * `GET /servers` for doctor, and the same jobs under `/v1` for the openai SDK.
 */
export function respond(
  { profiles }: { profiles: Profiles },
): (request: Request) => Promise<Response> {
  return answering((request) => route(profiles, request));
}

async function route(profiles: Profiles, request: Request): Promise<Response> {
  nameFunction(request);
  const [, , id, action, ...rest] = new URL(request.url).pathname.split("/");
  if (id === "v1") {
    // Loaded on first use, because cold start counts.
    const { openaiApi } = await import("../openai/api.ts");
    return await openaiApi(profiles, request);
  }
  if (request.method === "OPTIONS") return preflight();
  if (rest.length > 0) throw notFound(request);
  if (!id && action !== undefined) throw notFound(request);
  if (!id) return await submit(profiles, request);
  if (id === "servers" && action === undefined) return await servers(profiles, request);
  const jobId = z.uuid().safeParse(id);
  if (!jobId.success) {
    throw new RequestError(
      "invalid_request",
      `Cannot find job '${id.slice(0, 50)}': a job id must be a UUID`,
    );
  }
  const act = action === undefined
    ? request.method === "DELETE" ? remove : show
    : actions.get(action);
  if (!act) throw notFound(request);
  if (action === undefined) requireMethod(request, "GET", "DELETE");
  else requireMethod(request, "POST");
  return await act(jobId.data, await identifyCaller(request), request, profiles);
}

async function submit(profiles: Profiles, request: Request): Promise<Response> {
  requireMethod(request, "POST");
  const since = performance.now();
  const caller = await identifyCaller(request);
  const { submitted: { job, ended }, waitMs } = await withRoom(async (limits) => {
    const { query, background, waitMs } = await readSubmission(request, caller, limits);
    const delivery = { background, stream: false, waits: waitMs > 0 };
    return { submitted: await submitJob(profiles, caller, query, delivery), waitMs };
  });
  if (waitMs === 0) return answer(job);
  const untilAgeMs = environment().wallClockMs * usableLife;
  return answer(
    await waitForJob(
      job,
      visibilityOf(caller),
      waitLeftMs(waitMs, since),
      untilAgeMs,
      undefined,
      ended,
    ),
  );
}

/** Whether the MCP servers that the worker calls can be reached from here, with the secrets that are set. */
async function servers(profiles: Profiles, request: Request): Promise<Response> {
  requireMethod(request, "GET");
  if ((await identifyCaller(request)).kind !== "service") {
    throw new RequestError(
      "secret_key_required",
      "Cannot ask the MCP servers for their tools: this requires a secret key",
      { hint: "Run npx durable-responses doctor, which sends the key" },
    );
  }
  const { probeServers } = await import("../../jobs/servers.ts");
  return json(200, { servers: await probeServers(profiles) });
}

type Act = (id: string, caller: Caller, request: Request, profiles: Profiles) => Promise<Response>;

const show: Act = async (id, caller) => json(200, await jobs.get(id, visibilityOf(caller)));

const remove: Act = async (id, caller) => json(200, await jobs.remove(id, visibilityOf(caller)));

const cancel: Act = async (id, caller, _request, profiles) =>
  json(200, await cancelJob(profiles, id, visibilityOf(caller)));

const retry: Act = async (id, caller) => {
  const { job } = await jobs.retry(id, visibilityOf(caller));
  return replyRequeued(job, "retry");
};

const approve: Act = async (id, caller, request) => {
  const answer = await readJson(request, approvalSchema);
  return replyRequeued(await jobs.approve(id, visibilityOf(caller), [answer]), "approve");
};

const resolve: Act = async (id, caller, request) => {
  const resolution = await readJson(request, resolutionSchema);
  return replyRequeued(await jobs.resolve(id, visibilityOf(caller), resolution), "resolve");
};

const toolOutput: Act = async (id, caller, request) => {
  const { giveToolOutput } = await import("./tool-output.ts");
  return replyRequeued(await giveToolOutput(id, caller, request), "tool-output");
};

const actions: ReadonlyMap<string, Act> = new Map([
  ["cancel", cancel],
  ["retry", retry],
  ["approve", approve],
  ["resolve", resolve],
  ["tool-output", toolOutput],
]);

function replyRequeued(job: Job, source: string): Response {
  if (job.status === "queued") waitUntil(wakeWorker(source));
  return answer(job);
}

/** 200 if there is nothing more to wait for, otherwise 202 and where to look. */
function answer(job: Job): Response {
  return isFinal(job) ? json(200, job) : json(202, job, { location: pathOfJob(job.id) });
}

function notFound(request: Request): RequestError {
  return new RequestError(
    "not_found",
    `Cannot find ${new URL(request.url).pathname.slice(0, 200)}`,
    {
      hint:
        "POST /respond, GET or DELETE /respond/:id, POST /respond/:id/cancel|retry|approve|resolve|tool-output",
    },
  );
}
