/** The client: it checks the arguments, then calls the right part. */
import type { CallKind } from "./generated/status.ts";
import type { SupabaseClient } from "@supabase/supabase-js";
import {
  checkApproval,
  checkClient,
  checkId,
  checkOutcome,
  checkQuery,
  checkSubmitOptions,
  checkTimeout,
  checkToolOutput,
} from "./check.ts";
import { Tables } from "./data/tables.ts";
import { callDelete, callFunction, type FunctionCall } from "./http/functions.ts";
import { withRetries } from "./http/retry.ts";
import { type ListOptions, type Page, readListOptions, readPage } from "./list.ts";
import { resultOf, type ResultOptions } from "./result.ts";
import type { CompletedJob, Job } from "./types/job.ts";
import type { AnyProfiles, DefaultProfile, JobOf, ProfileName } from "./types/profiles.ts";
import type { ListUpdate, Update } from "./types/update.ts";
import { watchPage } from "./watch/watch-list.ts";
import { watchJob } from "./watch/watch.ts";

/** The question: exactly one of `query`, `input` and `request`. */
export type Query<Name extends string = string> =
  & {
    /** A profile's name in supabase/functions/_shared/profiles.ts. Default: `default`. */
    profile?: Name;
    /** Up to 16 pairs of your own, stored with the job. */
    metadata?: Record<string, string | number | boolean | null>;
  }
  & (
    | { query: string; input?: never; request?: never }
    | {
      /** A text, or input items. Images and files are data, or refer to Storage: docs/files.md. */
      input: string | Record<string, unknown>[];
      query?: never;
      request?: never;
    }
    /** A whole Responses API request. Requires a secret key. */
    | { request: Record<string, unknown>; query?: never; input?: never }
  );

export interface CallOptions {
  signal?: AbortSignal | undefined;
}

export interface SubmitOptions extends CallOptions {
  /** The same key with the same query gives the same job. If you give none, one is generated, so that retries are safe. */
  idempotencyKey?: string;
  /** How long the server may wait for the job's end before it answers, in s: 0 to 120, default 0. */
  wait?: number;
}

export interface WatchOptions {
  signal?: AbortSignal | undefined;
  /** false: no live text, which costs the worker less. Default: true. */
  text?: boolean;
}

/**
 * The call that a decision is about, as `job.waiting` showed it (`request_id`, `digest`). Give both: a decision about
 * another call is refused. Without them, it is refused if more than one call waits.
 */
export interface Seen {
  requestId?: string | undefined;
  digest?: string | undefined;
}

export interface Approval extends Seen {
  approve: boolean;
  reason?: string;
}

export interface Resolution extends Seen {
  /** Whether the call in doubt was made; `cancel` ends the job. */
  outcome: "happened" | "did_not_happen" | "cancel";
  /** The tool's output, if the call was made. */
  output?: string;
}

/** The output of a function's call; of any kind of call, the item that OpenAI takes as its answer. */
export type ToolOutput = FunctionOutput | CallAnswer;

export interface FunctionOutput {
  /** The `call_id` of a call in `job.waiting`. */
  callId: string;
  /** The output of the call: text, or JSON as text. */
  output: string;
}

/** Such as `{type: "computer_call_output", call_id, output: {type: "computer_screenshot", image_url: "data:…"}}`. */
export interface CallAnswer {
  /** The `kind` of the call in `job.waiting`, with `_output`. */
  type: `${CallKind}_output`;
  call_id: string;
  [field: string]: unknown;
}

export interface DurableResponsesOptions {
  /** The Edge Function's name. Default: `respond`. */
  functionName?: string;
  /** How often a request that is safe to repeat (reads, and submit, which has a key) is retried. Default: 2. */
  maxRetries?: number;
}

/** Every method throws DurableResponsesError, or the reason of an aborted signal. */
export interface DurableResponses<P = AnyProfiles> {
  /** Submits a query. When this resolves, the job is durable. */
  submit<Name extends ProfileName<P> = DefaultProfile<P>>(
    query: Query<Name>,
    options?: SubmitOptions,
  ): Promise<JobOf<P, Name>>;
  /** A job as it is now. */
  get(id: string, options?: CallOptions): Promise<JobOf<P>>;
  /** One page of jobs, newest first. */
  list(options?: ListOptions<ProfileName<P>>): Promise<Page<ProfileName<P>>>;
  /** The same page, again whenever it changes. Ends when you leave the loop, or when the signal is aborted. */
  watchList(
    options?: ListOptions<ProfileName<P>>,
  ): AsyncIterableIterator<ListUpdate<ProfileName<P>>>;
  /** Updates of a job until it is final. Ends when you leave the loop. */
  watch(
    id: string,
    options?: WatchOptions,
  ): AsyncIterableIterator<Update<JobOf<P>>>;
  /** The completed job. */
  result(id: string, options?: ResultOptions): Promise<CompletedJob<JobOf<P>>>;
  /** Cancels a job that is not final. Repeating it changes nothing. */
  cancel(id: string, options?: CallOptions): Promise<JobOf<P>>;
  /** Answers a request for approval. */
  approve(
    id: string,
    answer?: Approval,
    options?: CallOptions,
  ): Promise<JobOf<P>>;
  /** Says whether a call in doubt was made. */
  resolve(
    id: string,
    resolution: Resolution,
    options?: CallOptions,
  ): Promise<JobOf<P>>;
  /** Gives the output of a call that the caller makes. The job continues when it has all of them. */
  toolOutput(
    id: string,
    output: ToolOutput,
    options?: CallOptions,
  ): Promise<JobOf<P>>;
  /** Runs a failed or cancelled job again as a new job, which is returned. A queued job becomes due now. */
  retry(id: string, options?: CallOptions): Promise<JobOf<P>>;
  /** Permanently deletes a final job with its input, answer and steps. */
  delete(id: string, options?: CallOptions): Promise<void>;
}

/**
 * Creates a client from a supabase-js client, whose session it uses. With `typeof profiles` as the type argument, profile
 * names are checked and answers have their types:
 *
 *     import type { profiles } from "../supabase/functions/_shared/profiles.ts";
 *     const responses = createDurableResponses<typeof profiles>(supabase);
 */
export function createDurableResponses<P = AnyProfiles>(
  supabase: SupabaseClient,
  options?: DurableResponsesOptions,
): DurableResponses<P>;
// Only the deployment knows whether `P` matches the server, so the types of answers are asserted here, in one place.
export function createDurableResponses(
  supabase: SupabaseClient,
  { functionName = "respond", maxRetries = 2 }: DurableResponsesOptions = {},
): unknown {
  checkClient(supabase, maxRetries);
  const tables = new Tables(supabase);
  const call = (request: FunctionCall) => callFunction(supabase.functions, functionName, request);
  const safely = <T>(signal: AbortSignal | undefined, send: () => Promise<T>) =>
    withRetries(maxRetries, signal, send);
  const act = (
    id: string,
    action: string,
    body: FunctionCall["body"],
    { signal }: CallOptions,
  ) => call({ path: `/${id}/${action}`, signal, ...(body && { body }) });
  const watch = (id: string, { signal, text = true }: WatchOptions) =>
    watchJob({ supabase, tables, jobId: id.toLowerCase(), signal, text });

  return {
    async submit(query: Query, options: SubmitOptions = {}): Promise<Job> {
      checkQuery(query);
      checkSubmitOptions(options);
      const { signal, wait, idempotencyKey = makeKey() } = options;
      const headers = { "idempotency-key": idempotencyKey };
      const body = { ...query, ...(wait !== undefined && { wait }) };
      return await safely(
        signal,
        () => call({ path: "", body, headers, signal }),
      );
    },
    async get(id: string, { signal }: CallOptions = {}): Promise<Job> {
      checkId(id);
      return await safely(signal, () => tables.job(id, signal));
    },
    async list(options: ListOptions = {}): Promise<Page> {
      const filter = readListOptions(options);
      return await safely(
        options.signal,
        () => readPage(tables, filter, options.signal),
      );
    },
    watchList(options: ListOptions = {}): AsyncGenerator<ListUpdate> {
      const filter = readListOptions(options);
      return watchPage({ supabase, tables, filter, signal: options.signal });
    },
    watch(id: string, options: WatchOptions = {}): AsyncGenerator<Update> {
      checkId(id);
      return watch(id, options);
    },
    async result(
      id: string,
      options: ResultOptions = {},
    ): Promise<CompletedJob> {
      checkId(id);
      checkTimeout(options.timeout);
      return await resultOf(
        id,
        (signal) => watch(id, { signal, text: false }),
        options,
      );
    },
    async cancel(id: string, options: CallOptions = {}): Promise<Job> {
      checkId(id);
      return await act(id, "cancel", undefined, options);
    },
    async approve(
      id: string,
      answer: Approval = { approve: true },
      options: CallOptions = {},
    ): Promise<Job> {
      checkId(id);
      checkApproval(answer);
      const { approve, reason } = answer;
      const body = { approve, ...(reason !== undefined && { reason }), ...seenOf(answer) };
      return await act(id, "approve", body, options);
    },
    async resolve(
      id: string,
      resolution: Resolution,
      options: CallOptions = {},
    ): Promise<Job> {
      checkId(id);
      checkOutcome(resolution);
      const { outcome, output } = resolution;
      return await act(
        id,
        "resolve",
        { outcome, ...(output !== undefined && { output }), ...seenOf(resolution) },
        options,
      );
    },
    async toolOutput(
      id: string,
      output: ToolOutput,
      options: CallOptions = {},
    ): Promise<Job> {
      checkId(id);
      checkToolOutput(output);
      const body = "type" in output ? output : { call_id: output.callId, output: output.output };
      return await act(id, "tool-output", body, options);
    },
    async retry(id: string, options: CallOptions = {}): Promise<Job> {
      checkId(id);
      return await act(id, "retry", undefined, options);
    },
    async delete(id: string, { signal }: CallOptions = {}): Promise<void> {
      checkId(id);
      await callDelete(supabase.functions, functionName, { path: `/${id}`, signal });
    },
  } satisfies Record<keyof DurableResponses, unknown>;
}

function seenOf({ requestId, digest }: Seen) {
  return {
    ...(requestId !== undefined && { request_id: requestId }),
    ...(digest !== undefined && { digest }),
  };
}

/** Not crypto.randomUUID, which exists in a page only on https and localhost. */
function makeKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(
    "",
  );
}
