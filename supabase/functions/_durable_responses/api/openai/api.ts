import * as jobs from "../../db/jobs.ts";
import { cancelJob } from "../../jobs/cancel.ts";
import { type Caller, visibilityOf } from "../../model/caller.ts";
import { environment } from "../../platform/environment.ts";
import { RequestError } from "../../platform/errors.ts";
import type { Profiles } from "../../profiles/profile.ts";
import { identifyCaller } from "../http/identify-caller.ts";
import { usableLife } from "../http/limits.ts";
import { createResponse } from "./create.ts";
import { eventsOf } from "./events-of.ts";
import { seen } from "../../model/flaw.ts";
import { jobIdOf, responseIdOf } from "../../model/ids.ts";
import { inputItemsPage } from "./input-items.ts";
import { getModel, listModels } from "./models.ts";
import { isOtherPart, notOffered } from "./not-offered.ts";
import { readRecord, takeAnswer } from "./record.ts";
import { invalidParam, Refusal, responseNotFound, toRefusal } from "./refusal.ts";
import { statusOf, toResponse } from "./response.ts";
import { eventStream, json, preflight, refused } from "./send-response.ts";
import { sseBody } from "./sse.ts";
import { takenAtEnd } from "./stream-end.ts";

/**
 * The OpenAI-compatible endpoint, `/respond/v1`: what the openai SDK calls if this is its `baseURL` and a user's token its
 * key. It answers and refuses in OpenAI's shapes, always with an x-request-id.
 */
export async function openaiApi(profiles: Profiles, request: Request): Promise<Response> {
  if (request.method === "OPTIONS") return preflight(request);
  const response = await answerOrRefuse(profiles, request);
  response.headers.set("x-request-id", `req_${crypto.randomUUID().replaceAll("-", "")}`);
  return response;
}

async function answerOrRefuse(profiles: Profiles, request: Request): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url);
  const [, , , resource, id, action, ...rest] = pathname.split("/");
  const path = `${resource}${id ? "/:id" : ""}${action ? `/${action}` : ""}`;
  const route = `${request.method} ${path}`;
  let mayHaveActed = false;
  try {
    const isKnown = rest.length === 0 && !(resource === "responses" && isOtherPart(id));
    const act = isKnown ? routes.get(route) : undefined;
    if (!act) throw notOffered(request, isKnown ? methodsOf(path) : []);
    const caller = await identifyCaller(request);
    mayHaveActed = route === createRoute && !request.headers.has("idempotency-key");
    return await act({ profiles, request, caller, id: id ?? "", searchParams });
  } catch (error) {
    if (error instanceof RequestError && error.code === "job_not_found" && id) {
      return refused(responseNotFound(id));
    }
    return refused(toRefusal(error, !mayHaveActed));
  }
}

interface Asked {
  profiles: Profiles;
  request: Request;
  caller: Caller;
  /** The id in the path, as it came. */
  id: string;
  searchParams: URLSearchParams;
}
type Act = (asked: Asked) => Promise<Response>;

const createRoute = "POST responses";

/** The largest that has one after it in the database. */
const maxSequenceNumber = 2 ** 31 - 2;

const retrieve: Act = async ({ caller, id, searchParams }) => {
  const who = visibilityOf(caller);
  const given = searchParams.get("starting_after");
  const after = given === null ? -1 : Number(given.trim() || "none");
  if (!Number.isInteger(after) || after < -1 || after > maxSequenceNumber) {
    throw invalidParam(
      "starting_after",
      "invalid_type",
      `Cannot accept 'starting_after': it must be an integer from -1 (all events) to ${maxSequenceNumber}, but is ${
        seen(given)
      }`,
    );
  }
  const record = await readRecord(knownId(id), who);
  if (searchParams.get("stream") !== "true") {
    await takeAnswer(record, who);
    return json(toResponse(record));
  }
  const untilAgeMs = environment().wallClockMs * usableLife;
  const events = eventsOf(record, who, untilAgeMs, after);
  return eventStream(sseBody(takenAtEnd(events, record, who), after, record.id));
};

/** As at OpenAI, cancelling a final response changes nothing and returns it. */
const cancel: Act = async ({ profiles, caller, id }) => {
  const who = visibilityOf(caller);
  const jobId = knownId(id);
  try {
    await cancelJob(profiles, jobId, who);
  } catch (error) {
    if (!(error instanceof RequestError && error.code === "invalid_state")) throw error;
  }
  return json(toResponse(await readRecord(jobId, who)));
};

const inputItems: Act = async ({ caller, id, searchParams }) => {
  const record = await readRecord(knownId(id), visibilityOf(caller), { withInput: true });
  return json(inputItemsPage(record, searchParams));
};

/** Only for final responses: a job that may still act must be cancelled first. */
const remove: Act = async ({ caller, id }) => {
  const [jobId, who] = [knownId(id), visibilityOf(caller)];
  try {
    const { deleted } = await jobs.remove(jobId, who);
    return json({ id: responseIdOf(jobId), object: "response", deleted });
  } catch (error) {
    if (!(error instanceof RequestError && error.code === "invalid_state")) throw error;
    const status = statusOf(await readRecord(jobId, who));
    throw new Refusal(
      409,
      `Cannot delete response '${responseIdOf(jobId)}': its job has not ended. ${
        status === "completed" || status === "incomplete"
          ? "It waits for an answer or a review"
          : `Its status is ${status}`
      }. Cancel it first`,
      { code: "invalid_state", cause: error },
    );
  }
};

const routes: ReadonlyMap<string, Act> = new Map<string, Act>([
  [createRoute, ({ profiles, request, caller }) => createResponse(profiles, request, caller)],
  ["GET responses/:id", retrieve],
  ["DELETE responses/:id", remove],
  ["POST responses/:id/cancel", cancel],
  ["GET responses/:id/input_items", inputItems],
  ["GET models", ({ profiles }) => Promise.resolve(json(listModels(profiles)))],
  ["GET models/:id", ({ profiles, id }) => Promise.resolve(json(getModel(profiles, id)))],
]);

function knownId(id: string): string {
  const jobId = jobIdOf(id);
  if (jobId === undefined) throw responseNotFound(id);
  return jobId;
}

/** The methods that a path supports. */
function methodsOf(path: string): string[] {
  return [...routes].flatMap(([route]) =>
    route.endsWith(` ${path}`) ? [route.slice(0, -path.length - 1)] : []
  );
}
