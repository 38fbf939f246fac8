import type { SentFile } from "../../files/take-files.ts";
import { type Query, submitJob, type Submitted } from "../../jobs/submit.ts";
import { waitForJob } from "../../jobs/wait.ts";
import { type Caller, ownerOf, type Visibility, visibilityOf } from "../../model/caller.ts";
import { canonicalMembers } from "../../model/canonical.ts";
import type { Job } from "../../model/job.ts";
import { kindOfCalls } from "../../model/left-calls.ts";
import { isRecord } from "../../model/is-record.ts";
import { isFinalOrPaused } from "../../model/status.ts";
import { environment } from "../../platform/environment.ts";
import { describe, log } from "../../platform/log.ts";
import { planFor } from "../../profiles/plan.ts";
import type { Profiles } from "../../profiles/profile.ts";
import { planHasOnceTools } from "../../tools/own/plan-has-once-tools.ts";
import { type BodyLimits, readJsonText } from "../http/body.ts";
import { maxWaitMs, usableLife, waitLeftMs } from "../http/limits.ts";
import { withRoom } from "../http/room.ts";
import { readIdempotencyKey } from "../http/submission.ts";
import { takenFiles } from "../http/taken-files.ts";
import { load } from "../../platform/load.ts";
import { answerItems } from "./answer-items.ts";
import { type CreateBody, createBodySchema } from "./create-body.ts";
import { noAnswer } from "./ending.ts";
import { eventsOf } from "./events-of.ts";
import { withFilePlace } from "./file-place.ts";
import { jobIdOf, responseIdOf } from "../../model/ids.ts";
import { inputOf } from "./input.ts";
import { settingsBeyond } from "./profile-rules.ts";
import { readRecord, recordOf, type ResponseRecord } from "./record.ts";
import { invalidParam, previousNotFound, Refusal } from "./refusal.ts";
import { toResponse } from "./response.ts";
import { eventStream, json, refused } from "./send-response.ts";
import { sseBody } from "./sse.ts";
import { withAnswerOrError } from "./stream-end.ts";

/**
 * `POST /v1/responses`: a query to a profile, a whole request from a server, answers to requests for approval, or outputs of
 * calls that the caller makes.
 */
export async function createResponse(
  profiles: Profiles,
  request: Request,
  caller: Caller,
): Promise<Response> {
  const since = performance.now();
  const { submitted, body } = await withRoom((limits) =>
    readAndSubmit(profiles, request, caller, limits)
  );
  return await answer(submitted, body, caller, waitLeftMs(maxWaitMs, since));
}

async function readAndSubmit(
  profiles: Profiles,
  request: Request,
  caller: Caller,
  limits: BodyLimits,
): Promise<{ submitted: Accepted; body: CreateBody }> {
  const idempotencyKey = readIdempotencyKey(request);
  const read = await readJsonText(request, createBodySchema, limits);
  const { input, text, files } = await takenFiles({ ...read, input: read.body.input }, caller);
  const body = { ...read.body, ...(input === undefined ? {} : { input }) };
  try {
    const submitted = await answered(profiles, { body, files }, caller) ??
      await submit(profiles, { body, text, files, idempotencyKey }, caller, isBlindRepeat(request));
    return { submitted, body };
  } catch (error) {
    throw withFilePlace(error, input);
  }
}

/** `answered` is the step of the question that the request answered. */
type Accepted = Submitted & { answered?: number };

/** A job that waits for what this request says: a person's answers, and outputs of calls that the caller makes. */
async function answered(
  profiles: Profiles,
  sent: Pick<Sent, "body" | "files">,
  caller: Caller,
): Promise<Accepted | undefined> {
  const items = answerItems(sent.body.input);
  if (!items) return undefined;
  const { giveAnswers } = await load("answers.ts", () => import("./answers.ts"));
  return await giveAnswers(profiles, sent, items, caller);
}

interface Sent {
  body: CreateBody;
  /** The body as it was written. */
  text: string;
  /** Sent files that must be in Storage before the job is accepted. */
  files: SentFile[];
  idempotencyKey: string | null;
}

async function submit(
  profiles: Profiles,
  sent: Sent,
  caller: Caller,
  blindRepeat: boolean,
): Promise<Submitted> {
  const { body } = sent;
  const query = await queryOf(profiles, sent, caller);
  const plan = await planFor(profiles, query);
  const profile = profiles[query.profile];
  const settings = query.request === null && profile ? settingsBeyond(body, plan, profile) : null;
  const actsOnce = planHasOnceTools(plan);
  const joins = actsOnce && ownerOf(caller) !== null;
  if (blindRepeat && actsOnce && !joins) {
    throw new Refusal(
      409,
      "Cannot tell whether this repeats a request that was accepted, and its tools must not act twice. Send an Idempotency-Key header with every create; a repeat then gets the first response",
      { code: "idempotency_key_required" },
    );
  }
  const { background, stream } = body;
  return await submitJob(profiles, caller, { ...query, settings, joins, isRepeat: blindRepeat }, {
    background: background === true ? undefined : false,
    stream: stream === true,
    waits: background !== true,
  });
}

/**
 * The fields of a whole request that this endpoint uses itself. OpenAI allows 16 pairs of metadata, and with ours there
 * would be more.
 */
const notSentOn = new Set(["stream", "stream_options", "metadata"]);

async function queryOf(
  profiles: Profiles,
  { body, text, files, idempotencyKey }: Sent,
  caller: Caller,
): Promise<Query> {
  const previous = body.previous_response_id;
  const own = previous ? jobIdOf(previous) : undefined;
  const profile = Object.hasOwn(profiles, body.model) ? profiles[body.model] : undefined;
  const input = await inputOf(body, caller, {
    mayInstruct: profile?.caller_may?.includes("instructions") ?? false,
    named: profile !== undefined,
  });
  const common = {
    metadata: body.metadata ?? {},
    idempotencyKey,
    files,
    fingerprint: fingerprintOf(text),
    continuedFrom: own,
  };
  if (caller.kind === "service" && !profile) {
    const request = Object.fromEntries(
      Object.entries({
        ...body,
        ...(input === undefined ? {} : { input }),
        ...callersTools(body),
      }).filter(([key]) =>
        !notSentOn.has(key) && (key !== "previous_response_id" || own === undefined)
      ),
    );
    return { profile: "default", input: null, request, ...common };
  }
  if (previous && own === undefined) {
    throw previousNotFound(previous);
  }
  if (input === undefined) {
    throw invalidParam(
      "input",
      "missing_required_parameter",
      "Missing required parameter: 'input'",
    );
  }
  return { profile: body.model, input, request: null, ...common };
}

/** As at OpenAI, whoever sends functions, or other tools that OpenAI does not run, makes their calls. */
function callersTools({ tools }: CreateBody): { tools?: unknown[] } {
  if (!Array.isArray(tools)) return {};
  return {
    tools: tools.map((tool: unknown) =>
      isRecord(tool) && typeof tool["type"] === "string" &&
        kindOfCalls({ ...tool, type: tool["type"] }) !== undefined
        ? { ...tool, run_by: "caller" }
        : tool
    ),
  };
}

/** How the answer is delivered: the same question may be asked again with another delivery. */
const deliveries = new Set(["stream", "stream_options", "background", "store"]);

/** The question exactly as it was written. */
function fingerprintOf(text: string): string {
  return JSON.stringify(
    [...canonicalMembers(text)].filter(([name]) => !deliveries.has(name)).sort(([a], [b]) =>
      a < b ? -1 : 1
    ),
  );
}

/**
 * Whether this may be the openai SDK's automatic repeat of a request that got no answer, without a key that identifies the
 * first.
 */
function isBlindRepeat(request: Request): boolean {
  return Number(request.headers.get("x-stainless-retry-count") ?? 0) > 0 &&
    !request.headers.has("idempotency-key");
}

async function answer(
  { job, joined, ended, answered }: Accepted,
  body: CreateBody,
  caller: Caller,
  waitMs: number,
): Promise<Response> {
  const who = visibilityOf(caller);
  const untilAgeMs = environment().wallClockMs * usableLife;
  const headers = {
    "x-response-id": responseIdOf(job.id),
    ...(joined && { "x-response-joined": "true" }),
  };
  if (body.stream) {
    // A run that has just started here has done nothing yet that a read could show.
    const first = ended ? begun(job, body) : await lookAt(job, who, answered);
    const events = eventsOf(first, who, untilAgeMs, -1);
    const told = body.background ? events : withAnswerOrError(events, first, who);
    // Nobody knows whether the end of a stream arrives. If it does not, its repeat must join, so the end takes no answer.
    return eventStream(sseBody(told, -1, first.id), headers);
  }
  if (body.background) return json(toResponse(await lookAt(job, who, answered)), headers);
  const seen = await waitForJob(job, who, waitMs, untilAgeMs, isFinalOrPaused, ended);
  const record = await lookAt(seen, who, answered);
  const refusal = noAnswer(record);
  return refusal ? refused(refusal, headers) : json(toResponse(record), headers);
}

/** A job that has just been accepted, in the form of a read. */
function begun(job: Job, { model, previous_response_id: previous }: CreateBody): ResponseRecord {
  const own = jobIdOf(previous ?? "");
  const previous_response_id = own === undefined ? previous ?? null : responseIdOf(own);
  return { ...recordOf(job), model, previous_response_id };
}

/** The job is accepted. An error would look like a refusal, and make the caller send the request again. */
async function lookAt(
  job: Job,
  who: Visibility,
  answered: number | undefined,
): Promise<ResponseRecord> {
  try {
    return await readRecord(job.id, who, { answered });
  } catch (error) {
    log.warn("cannot read an accepted job; answering with it as last read", {
      job_id: job.id,
      error: describe(error),
    });
    return recordOf(job);
  }
}
