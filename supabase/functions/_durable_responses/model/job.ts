/** Jobs as the SQL functions return them: schemas, and their types. */
import { itemSchema } from "./items.ts";
import { effects, guards, jobStatuses, runners } from "./status.ts";
import * as z from "./zod.ts";

/** A job as its owner may see it: durable_responses.job_view(). */
export const jobSchema = z.looseObject({
  id: z.uuid(),
  status: z.enum(jobStatuses),
  attempt: z.int(),
});
export type Job = z.infer<typeof jobSchema>;

/** A job and its attempt: every write names them, and is refused if the attempt has ended. */
export interface AttemptKey {
  id: string;
  attempt: number;
}

/** A finished step, from which a later run continues. */
const doneStepSchema = z.lazy(() =>
  z.object({
    number: z.int(),
    attempt: z.int(),
    item_id: z.string(),
    kind: z.string(),
    effect: z.nullable(z.enum(effects)),
    server_label: z.nullable(z.string()),
    tool: z.nullable(z.string()),
    /** Of a call that OpenAI leaves to others: who made it. */
    run_by: z.nullish(z.enum(runners)),
    arguments: z.nullable(z.string()),
    call_key: z.nullable(z.string()),
    /** Of such a call: how many equal calls of its run came before it. */
    call_repeat: z.nullish(z.int()),
    output: z.nullable(z.string()),
    error: z.nullable(z.string()),
    item: z.nullable(itemSchema),
    answer: z.nullable(z.record(z.string(), z.unknown())),
    /** `guard` if no person was asked. */
    answered_by: z.nullable(z.string()),
  })
);
export type DoneStep = z.infer<typeof doneStepSchema>;

/** A job as a worker needs it: the view durable_responses.work. Times are what is left, in ms. */
export const workSchema = z.lazy(() =>
  z.object({
    id: z.uuid(),
    attempt: z.int(),
    status: z.enum(["background", "running"]),
    profile: z.string(),
    owner_id: z.nullable(z.guid()),
    owner_key: z.guid(),
    /** The first job of a chain of retries; the job itself if it retries nothing. */
    first_id: z.uuid(),
    input: z.nullable(z.union([z.string(), z.array(z.record(z.string(), z.unknown()))])),
    request: z.nullable(z.record(z.string(), z.unknown())),
    /** What the caller added to the profile. */
    settings: z.nullable(z.record(z.string(), z.unknown())),
    failures: z.int(),
    response_id: z.nullable(z.string()),
    once_tools: z.boolean(),
    on_uncertain: z.enum(["review", "retry"]),
    guard: z.enum(guards),
    /** Whether the only `once` calls that a background run can have made are those that had their yes. */
    guarded: z.boolean(),
    /** Whether calls of its route were made without the required yes. */
    ignores_approval: z.boolean(),
    /** While background: the request that the response answers contained a yes to `once` calls. */
    calls_started: z.boolean(),
    /** While running: the background response after which the run may continue in background. */
    background: z.nullable(z.object({ attempt: z.int(), response_id: z.nullable(z.string()) })),
    /** The first attempt of the run that this one continues; this attempt if it starts one. */
    run_since: z.int(),
    /** Of the attempts that this one continues. */
    usages: z.array(z.record(z.string(), z.unknown())),
    /** OpenAI's ids of the responses of all attempts before it. */
    earlier_responses: z.array(z.string()),
    /** How many of the job's responses have asked for calls, as far as the ledger knows. */
    rounds: z.int(),
    deadline_left_ms: z.number(),
    background_left_ms: z.nullable(z.number()),
    attempt_age_ms: z.number(),
    /** How often its background response could not be settled. */
    settle_failures: z.int(),
    /** Whether the events of its runs are stored as they come. */
    streamed: z.boolean(),
    steps: z.array(doneStepSchema),
    /** Calls that OpenAI leaves to others, which must be made, or answered by the caller, before the model continues. */
    open_calls: z.array(
      z.object({
        number: z.int(),
        attempt: z.int(),
        item_id: z.string(),
        call_repeat: z.nullable(z.int()),
        item: itemSchema,
      }),
    ),
  })
);
export type Work = z.infer<typeof workSchema>;

/** The result of claim_response_work(). */
export const claimSchema = z.lazy(() =>
  z.object({
    jobs: z.array(workSchema),
    spare_workers: z.int(),
  })
);

/** A job that somebody watches: watched_response_jobs(). */
export const watchSchema = z.lazy(() => z.object({ id: z.uuid(), watched_until: z.string() }));

/** A background response that must be cancelled at OpenAI. */
export const upstreamSchema = z.lazy(() =>
  z.object({
    job_id: z.uuid(),
    attempt: z.int(),
    response_id: z.string(),
    profile: z.string(),
    /** How long ago the cancel was requested, in ms. */
    asked_ms_ago: z.number(),
    /** Whether OpenAI was told to ask before each call that must not be made twice. */
    guarded: z.boolean(),
    /** Whether its attempt had no other response: a call that had its yes and is not in it was not made. */
    own: z.boolean(),
    /** The tools of its servers, as OpenAI listed them: a later response of a run has no list of its own. */
    lists: z.array(itemSchema),
    /** The requests for approval that got a yes. */
    yeses: z.array(z.string()),
    /** Those of them that are in the ledger, by their steps. */
    requests: z.array(z.object({ number: z.int(), id: z.string() })),
    /** The calls of the attempt that the ledger has, and that must not be made twice. */
    calls: z.array(z.object({
      item_id: z.string(),
      server_label: z.nullable(z.string()),
      tool: z.nullable(z.string()),
      arguments: z.nullable(z.string()),
      call_key: z.nullable(z.string()),
    })),
    /** OpenAI's ids of the responses of the job's other attempts. */
    other_responses: z.array(z.string()),
  })
);
export type Upstream = z.infer<typeof upstreamSchema>;
