import { submitJob } from "../../jobs/submit.ts";
import { waitForJob } from "../../jobs/wait.ts";
import { visibilityOf } from "../../model/caller.ts";
import { environment } from "../../platform/environment.ts";
import { RequestError } from "../../platform/errors.ts";
import { load } from "../../platform/load.ts";
import type { Profiles } from "../../profiles/profile.ts";
import { identifyCaller } from "../http/identify-caller.ts";
import { usableLife, waitLeftMs } from "../http/limits.ts";
import { requireMethod } from "../http/method.ts";
import { answering, json, nameFunction, preflight, replyWithJob } from "../http/reply.ts";
import { withRoom } from "../http/room.ts";
import { readSubmission } from "../http/submission.ts";

/**
 * The Edge Function `respond`: `POST /`, `GET /:id`, `DELETE /:id`, `POST /:id/cancel|retry|approve|resolve|tool-output`,
 * `GET /servers` for doctor, and the same jobs under `/v1` for the openai SDK. Only `POST /` is loaded at once, because cold
 * start counts.
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
    const { openaiApi } = await load("openai/api.ts", () => import("../openai/api.ts"));
    return await openaiApi(profiles, request);
  }
  if (request.method === "OPTIONS") return preflight();
  if (rest.length > 0) throw notFound(request);
  if (!id && action !== undefined) throw notFound(request);
  if (!id) return await submit(profiles, request);
  if (id === "servers" && action === undefined) return await servers(profiles, request);
  const { actOnJob } = await load("job-actions.ts", () => import("./job-actions.ts"));
  const answer = await actOnJob(profiles, request, id, action);
  if (!answer) throw notFound(request);
  return answer;
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
  if (waitMs === 0) return replyWithJob(job);
  const untilAgeMs = environment().wallClockMs * usableLife;
  return replyWithJob(
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
