/** What a profile may say, and what it says by default. */
import type {
  FunctionTool,
  ResponseCreateParamsNonStreaming,
  Tool,
} from "openai/resources/responses/responses";
import type { Guard } from "../model/status.ts";
import type { SideEffects } from "../model/step.ts";
import type * as z from "../model/zod.ts";
import type { CallerParam } from "./caller-settings.ts";
import type { OpenAiServer, WorkerServer } from "./mcp-server.ts";
import type { OwnTool } from "./own-tools.ts";

/** How long each thing may take, ms. */
export interface Budgets {
  /** OpenAI's answer to the background request; past it, the job falls back. */
  accept_ms: number;
  /** A background response that is unfinished by then counts as stuck. */
  background_ms: number;
  /** How often a background response is polled while its webhook has not come. */
  poll_ms: number;
  /** One synchronous attempt. */
  attempt_ms: number;
  /** Silence of a synchronous stream. A tool call is silent while it runs, so allow for the slowest tool. */
  stall_ms: number;
  /** The whole job, from accepted to final, without the time that a person or the caller is asked for something. */
  deadline_ms: number;
}

/** How synchronous attempts are repeated. */
export interface Retry {
  max_attempts: number;
  /** First delay, ms; doubled with each failure, full jitter. */
  backoff_base_ms: number;
  backoff_cap_ms: number;
}

/** The fields of a Responses request that a profile may set, without those that this project sets itself. */
type RequestSettings = Omit<
  ResponseCreateParamsNonStreaming,
  | "background"
  | "input"
  | "instructions"
  | "metadata"
  | "model"
  | "prompt"
  | "store"
  | "stream"
  | "text"
  | "tools"
>;

/** A function that the caller runs: the job waits for its output (`awaiting_tool_output`). */
export type CallerTool = FunctionTool & { run_by: "caller" };

/** Whether a person is asked before a call, by its arguments: those of `"server.tool"` or `"tool"`. */
export type ApproveWhen = Readonly<
  Record<string, (args: Record<string, unknown>) => boolean | Promise<boolean>>
>;

/** What a frontend may ask for by name. */
export interface Profile extends RequestSettings {
  model: string;
  instructions?: string;
  /**
   * OpenAI's own; `mcp()` servers, which it calls, or with `run_by: "worker"` our worker; `tool()` and `sqlTool()`, which our
   * worker runs; functions with `run_by: "caller"`. Secrets in here are written as `secret("NAME")`.
   */
  tools?: (Tool | OpenAiServer | WorkerServer | OwnTool | CallerTool)[];
  /** The shape of the answer; the result is checked against it and stored as `output_parsed`. */
  output?: z.$ZodType;
  /**
   * What a caller of the OpenAI-compatible endpoint may add; nothing by default. A user's `instructions`, and their system
   * messages, become a message of the user: they never stand beside the profile's own. Limits may only be lowered.
   */
  caller_may?: readonly CallerParam[];
  /** false: never try background mode. Default true. */
  background?: boolean;
  budgets?: Partial<Budgets>;
  retry?: Partial<Retry>;
  /**
   * What its tools do to the world, by `"server.tool"` or `"tool"`: `none`, `idempotent` or `once`. Without
   * a rule the server's annotations count, and without those a tool is `once`. Each `once` call costs one more
   * request: OpenAI is made to ask first, and gets its yes when the ledger has the call; see `guard`.
   */
  side_effects?: SideEffects;
  /**
   * Of MCP tools: whether a person is asked, by the call's arguments. OpenAI is made to ask before each call of
   * such a tool that it makes, whatever `require_approval` and `guard` say, and where the function says no the call goes ahead. One that throws
   * asks. A tool of ours says the same by its own `needsApproval`.
   */
  approve_when?: ApproveWhen;
  /**
   * Which runs must ask before a `once` call, so that the ledger has it before it is made:
   * - `always` (default): all. Costs one more request for each `once` call, and in background a worker for a
   *   moment. A run without a readable answer can have done nothing, so it is run again at once; a person is asked
   *   only about a call that had its yes and whose result is unknown.
   * - `synchronous`: not those in background mode, which then run unguarded at OpenAI. Costs a wait and
   *   often a review (`needs_review`) whenever a background response is lost, stuck or unreadable.
   * - `off`: none, at no extra cost. A worker that dies between a call and its row leaves no trace: the next run
   *   may make the call again.
   */
  guard?: Guard;
  /**
   * When nobody knows whether a `once` call happened: `review` (default) asks a person, `retry` runs again
   * and may do it twice.
   */
  on_uncertain?: "review" | "retry";
  /** How long a request for approval may wait, ms; default 7 days. The deadline's clock stops meanwhile. */
  approval_ms?: number;
  /** How long a job may be held for review, ms; default 30 days. The deadline's clock stops meanwhile. */
  review_ms?: number;
  /** Stored prompts ended at OpenAI on 2026-11-30: copy their text into `instructions`, their variables into the input. */
  prompt?: never;
}

/** The adopter's profiles by their names, handed down from the functions' entry files to wherever one is looked up. */
export type Profiles = Readonly<Record<string, Profile>>;

export const defaultBudgets: Budgets = {
  accept_ms: 20_000,
  background_ms: 10 * 60_000,
  poll_ms: 30_000,
  attempt_ms: 30 * 60_000,
  stall_ms: 150_000,
  deadline_ms: 24 * 3_600_000,
};

export const defaultApprovalMs = 7 * 24 * 3_600_000;
export const defaultReviewMs = 30 * 24 * 3_600_000;

export const defaultRetry: Retry = {
  max_attempts: 5,
  backoff_base_ms: 1_000,
  backoff_cap_ms: 300_000,
};

/** Only a profile's own fields: TypeScript does not check a type argument for excess properties. */
type NoOtherFields<T> = {
  [Name in keyof T]: {
    [Field in keyof T[Name]]: Field extends keyof Profile ? T[Name][Field] : never;
  };
};

/** Checks the profiles' types and keeps their names, so that clients can know them. */
export function defineProfiles<const T extends Record<string, Profile>>(
  profiles: T & NoOtherFields<T>,
): T {
  return profiles;
}

/** Matches what `secret()` writes. */
export const secretReference = /\{\{([A-Z][A-Z0-9_]*)\}\}/g;

/**
 * A reference to an environment variable, to be put anywhere in a profile's tools:
 * `Authorization: \`Bearer ${secret("ZAPIER_API_KEY")}\``. It is resolved when OpenAI is called and
 * stored nowhere.
 */
export function secret(name: string): string {
  if (!/^[A-Z][A-Z0-9_]*$/.test(name)) {
    throw new TypeError(
      `Cannot refer to a secret as '${name}': it must be the name of an environment variable, in capitals`,
    );
  }
  return `{{${name}}}`;
}
