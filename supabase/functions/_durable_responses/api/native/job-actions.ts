/** What a caller does with a job: reads it, deletes it, decides about it. */
import { answerJob } from "../../db/answers.ts";
import * as jobs from "../../db/jobs.ts";
import { cancelJob } from "../../jobs/cancel.ts";
import { wakeWorker } from "../../jobs/wake.ts";
import { type Caller, visibilityOf } from "../../model/caller.ts";
import type { Job } from "../../model/job.ts";
import * as z from "../../model/zod.ts";
import { RequestError } from "../../platform/errors.ts";
import { waitUntil } from "../../platform/runtime.ts";
import type { Profiles } from "../../profiles/profile.ts";
import { readJson } from "../http/body.ts";
import { identifyCaller } from "../http/identify-caller.ts";
import { requireMethod } from "../http/method.ts";
import { json, replyWithJob } from "../http/reply.ts";

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
 * `GET` and `DELETE /:id`, `POST /:id/cancel|retry|approve|resolve|tool-output`.
 * @returns undefined if there is no such action
 * @throws RequestError
 */
export async function actOnJob(
  profiles: Profiles,
  request: Request,
  id: string,
  action: string | undefined,
): Promise<Response | undefined> {
  const jobId = z.uuid().safeParse(id);
  if (!jobId.success) {
    throw new RequestError(
      "invalid_request",
      `Cannot find job '${id.slice(0, 50)}': a job id must be a UUID`,
      { hint: "Send the id that POST /respond answered with" },
    );
  }
  const act = action === undefined
    ? request.method === "DELETE" ? remove : show
    : actions.get(action);
  if (!act) return undefined;
  if (action === undefined) requireMethod(request, "GET", "DELETE");
  else requireMethod(request, "POST");
  return await act(jobId.data, await identifyCaller(request), request, profiles);
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
  return replyRequeued(await answerJob(id, visibilityOf(caller), [answer]), "approve");
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
  return replyWithJob(job);
}
