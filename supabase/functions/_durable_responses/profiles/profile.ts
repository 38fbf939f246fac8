/** The fields of a profile and their defaults. */
import type {
  ApplyPatchTool,
  ComputerTool,
  ComputerUsePreviewTool,
  CustomTool,
  FunctionShellTool,
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
import type { WasMade } from "./was-made.ts";

/** How long each thing may take, in ms. */
export interface Budgets {
  /** OpenAI's answer to the background request. Past it, the job falls back. */
  accept_ms: number;
  /** A background response that has not finished by then counts as stuck. */
  background_ms: number;
  /** How often a background response is polled while its webhook has not come. */
  poll_ms: number;
  /** One synchronous attempt. */
  attempt_ms: number;
  /** Silence of a synchronous stream. A tool call is silent while it runs, so allow for your slowest tool. */
  stall_ms: number;
  /** The whole job, from accepted to final, without the time in which a person or the caller is asked. */
  deadline_ms: number;
}

/** How synchronous attempts are repeated. */
export interface Retry {
  max_attempts: number;
  /** First delay in ms. It doubles with each failure, with full jitter. */
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

/** A tool that the caller runs: the job waits for the output of its calls (`awaiting_tool_output`). */
export type CallerTool =
  & (
    | FunctionTool
    | CustomTool
    | ApplyPatchTool
    | Tool.LocalShell
    | FunctionShellTool
    | ComputerTool
    | ComputerUsePreviewTool
  )
  & { run_by: "caller" };

/** Whether a person is asked before a call, depending on its arguments, by `"server.tool"` or `"tool"`. */
export type ApproveWhen = Readonly<
  Record<string, (args: Record<string, unknown>) => boolean | Promise<boolean>>
>;

/** What a frontend may ask for by name. */
export interface Profile extends RequestSettings {
  model: string;
  instructions?: string;
  /**
   * OpenAI's own tools; `mcp()` servers, which OpenAI calls, or our worker with `run_by: "worker"`; `tool()` and
   * `sqlTool()`, which our worker runs; functions and other tools with `run_by: "caller"`. Write secrets as `secret("NAME")`.
   */
  tools?: (Tool | OpenAiServer | WorkerServer | OwnTool | CallerTool)[];
  /** The shape of the answer. The result is checked against it and stored as `output_parsed`. */
  output?: z.$ZodType;
  /**
   * What a caller of the OpenAI-compatible endpoint may add; nothing by default. A user's `instructions`, and their system
   * messages, become a message from the user: they never join the profile's own. Limits can only be lowered.
   */
  caller_may?: readonly CallerParam[];
  /** false: never try background mode. Default: true. */
  background?: boolean;
  budgets?: Partial<Budgets>;
  retry?: Partial<Retry>;
  /**
   * What its tools do to the world, by `"server.tool"` or `"tool"`: `none`, `idempotent` or `once`. Without a rule, the
   * server's annotations count. Without those, a tool is `once`. Each `once` call costs one more request: OpenAI must ask
   * first, and gets its yes when the ledger has the call; see `guard`.
   */
  side_effects?: SideEffects;
  /**
   * For MCP tools: whether a person is asked, depending on the call's arguments. If OpenAI makes the calls, it must ask
   * before each one, whatever `require_approval` and `guard` say. Only if the function answers `false`, the call goes ahead:
   * if it throws, is late, or gives anything else, the person is asked. Our own tools have `needsApproval` instead.
   */
  approve_when?: ApproveWhen;
  /**
   * Which runs must ask before a `once` call, so that the ledger has it before it is made:
   * - `always` (default): all. Costs one more request for each `once` call, and in background a moment of a worker's time. A
   * run without a readable answer can have done nothing, so it is repeated at once. A person is asked only about an approved
   * call whose result is unknown.
   * - `synchronous`: not those in background mode, which run unguarded at OpenAI. Costs a wait, and often a review
   * (`needs_review`), whenever a background response is lost, stuck or unreadable.
   * - `off`: none, at no extra cost. A worker that dies between a call and its row leaves no trace: the next run may make
   * the call again.
   */
  guard?: Guard;
  /**
   * What to do if nobody knows whether a `once` call was made: `review` (default) asks a person, `retry` runs again and may
   * make it twice.
   */
  on_uncertain?: "review" | "retry";
  /**
   * Finds out whether a call was made if nobody knows, for example by a look into the folder of sent emails. It answers the
   * review of a held job, so that a person is asked only if it cannot tell.
   */
  was_made?: WasMade;
  /**
   * How long after a job was held `was_made` is first asked, in ms; default 2 minutes. Longer than your slowest call: one that
   * was not made yet is not one that will not be made.
   */
  was_made_after_ms?: number;
  /** How long a request for approval may wait, in ms; default 7 days. The deadline's clock stops meanwhile. */
  approval_ms?: number;
  /** How long a job may be held for review, in ms; default 30 days. The deadline's clock stops meanwhile. */
  review_ms?: number;
  /** Fields of OpenAI's that this release does not know yet. They are sent as they are. */
  extra_body?: Readonly<Record<string, unknown>>;
  /** OpenAI's stored prompts end on 2026-11-30: copy their text into `instructions`, and their variables into the input. */
  prompt?: never;
}

/** The adopter's profiles by name. The functions' entry files pass them down to wherever a profile is looked up. */
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

/** Allows only a profile's own fields: TypeScript does not check a type argument for excess properties. */
type NoOtherFields<T> = {
  [Name in keyof T]: {
    [Field in keyof T[Name]]: Field extends keyof Profile ? T[Name][Field] : never;
  };
};

/** Checks the profiles' types and keeps their names, so that clients know them. */
export function defineProfiles<const T extends Record<string, Profile>>(
  profiles: T & NoOtherFields<T>,
): T {
  return profiles;
}

/** Matches the result of `secret()`. */
export const secretReference = /\{\{([A-Z][A-Z0-9_]*)\}\}/g;

/**
 * A reference to an environment variable, for anywhere in a profile's tools: `Authorization: \`Bearer
 * ${secret("ZAPIER_API_KEY")}\``. It is resolved when OpenAI or the server is called, and stored nowhere.
 */
export function secret(name: string): string {
  if (!/^[A-Z][A-Z0-9_]*$/.test(name)) {
    throw new TypeError(
      `Cannot refer to a secret as '${name}': it must be the name of an environment variable, in capitals`,
    );
  }
  return `{{${name}}}`;
}
