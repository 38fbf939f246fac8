// Made by npm run schema of supabase/functions/_durable_responses/model/status.ts
// deno-fmt-ignore-file
/**
 * The statuses of jobs, attempts and steps. They are defined only here, without imports, so that client, console and CLI can
 * share them with the functions. The database checks the same values.
 */

/** The statuses of a job. Each except the last three waits for exactly one thing. */
export const jobStatuses = [
  /** For a response at OpenAI: webhook, poll, or the end of its budget. */
  "background",
  /** For a worker, not before it is due. */
  "queued",
  /** For its worker, until the lease expires. */
  "running",
  /** For a person's yes or no to a call. */
  "awaiting_approval",
  /** For the output of a call that the caller makes. */
  "awaiting_tool_output",
  /** For a person to say whether a call was made. */
  "needs_review",
  "completed",
  "failed",
  "cancelled",
] as const;
export type JobStatus = (typeof jobStatuses)[number];

/** The statuses that a job never leaves. */
export const finalStatuses = ["completed", "failed", "cancelled"] as const satisfies JobStatus[];
export type FinalStatus = (typeof finalStatuses)[number];

/** The statuses in which nothing happens until a person or the caller answers. The deadline's clock is stopped. */
export const pausedStatuses = [
  "awaiting_approval",
  "awaiting_tool_output",
  "needs_review",
] as const satisfies JobStatus[];
export type PausedStatus = (typeof pausedStatuses)[number];

/** True for a job that will not change any more. */
export function isFinal(job: { status: JobStatus }): boolean {
  return isOneOf(finalStatuses, job.status);
}

/** True for a job that waits for somebody outside: an approval, a tool's output, a review. */
export function isPaused(job: { status: JobStatus }): boolean {
  return isOneOf(pausedStatuses, job.status);
}

/** True if nothing more happens until somebody acts: the job is final, or waits for a person or the caller. */
export function isFinalOrPaused(job: { status: JobStatus }): boolean {
  return isFinal(job) || isPaused(job);
}

/** How an attempt runs: at OpenAI in background mode, or streamed by a worker. */
export const attemptModes = ["background", "synchronous"] as const;
export type AttemptMode = (typeof attemptModes)[number];

/** How an attempt ended. */
export const attemptOutcomes = [
  "completed",
  "failed",
  "cancelled",
  /** Its lease expired: nobody knows how far the worker came. */
  "lost",
  /** Its worker's time was up. Another worker continues at once. */
  "handed_over",
  /** The run continues as a new attempt, by another worker or in another mode. */
  "continued",
  /** The job waits for somebody outside. */
  "suspended",
] as const;
export type AttemptOutcome = (typeof attemptOutcomes)[number];

/** The state of a step. */
export const stepStatuses = [
  /** A call may be in flight. */
  "started",
  "finished",
  "failed",
  /** A request for approval without an answer. */
  "waiting",
  /** Nobody knows whether the call was made. */
  "uncertain",
  /** It was announced and never made. */
  "void",
] as const;
export type StepStatus = (typeof stepStatuses)[number];

/**
 * What a call does to the world: nothing; something that may be repeated without harm; something that must not happen twice.
 */
export const effects = ["none", "idempotent", "once"] as const;
export type Effect = (typeof effects)[number];

/** Which runs ask before a call that must not be made twice. */
export const guards = [
  "always",
  /** Not those in OpenAI's background mode. */
  "synchronous",
  "off",
] as const;
export type Guard = (typeof guards)[number];

/** Who makes a call that OpenAI leaves to others: our worker, or the caller. */
export const runners = ["worker", "caller"] as const;
export type RunBy = (typeof runners)[number];

/**
 * Calls that OpenAI leaves to others, as types of items. The answer's type is the same with `_output`. OpenAI runs a
 * `shell_call` itself if it is for a container of its own.
 */
export const callKinds = [
  "function_call",
  "custom_tool_call",
  "apply_patch_call",
  "local_shell_call",
  "shell_call",
  "computer_call",
] as const;
export type CallKind = (typeof callKinds)[number];

/** True for the type of an item that may be a call for others. */
export function isCallKind(type: string): type is CallKind {
  return isOneOf(callKinds, type);
}

function isOneOf<T extends string>(list: readonly T[], value: string): value is T {
  return list.some((entry) => entry === value);
}
