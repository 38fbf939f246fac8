/** A call of a tool that we run ourselves, and the contract between its runner and the run that asked for it. */
import type { FailureCode } from "../../model/failure.ts";
import type { Item } from "../../model/items.ts";
import type { AttemptKey } from "../../model/job.ts";
import type { CallKind, Effect } from "../../model/status.ts";

/** One call, as the model asked for it. */
export interface OwnCall {
  /** The attempt that makes it: every write names it. */
  key: AttemptKey;
  ownerId: string | null;
  /** The step that represents it. */
  stepId: string;
  /** The attempt whose response asked for it, if that is an earlier one. */
  takenFrom?: number;
  /** The model's item, with a `call_id` that is unique in the job. */
  item: Item;
  kind: CallKind;
  callId: string;
  /** An MCP server's label; null for a function of the profile. */
  server: string | null;
  /** The tool's own name, as ledger, approvals and console show it. */
  tool: string;
  /** As the model wrote them: JSON as text, or a custom tool's input. */
  arguments: string;
  /** Equal keys are the same call. */
  callKey: string;
  /** How many equal calls of the run came before it. After one that failed or is in doubt, it counts as the same call again. */
  repeat: number;
  /** The number of its round in the job; undefined if its row has it. */
  round?: number | undefined;
  effect: Effect;
  /** The same for the same call in every attempt. */
  idempotencyKey: string;
}

/** What a `function_call_output` may contain besides text. */
export type OutputPart =
  | { type: "input_text"; text: string }
  | { type: "input_image"; image_url: string; detail: "auto" }
  | { type: "input_file"; filename: string; file_data: string };

/** The outcome of a call. The model gets `parts`, if there are any, instead of the text. */
export type OwnResult =
  /** The tool's answer as text: JSON if it is not a text itself. */
  | { kind: "output"; output: string; parts?: OutputPart[] }
  /** The tool's refusal or error, which the model gets: the call did nothing, or the message says what it did. */
  | { kind: "error"; error: string }
  /** Nobody knows whether the call was made: its time was up, or the connection broke. A `once` call is held for review. */
  | { kind: "unknown"; error: string }
  /** The job fails, with this code. */
  | { kind: "fatal"; code: FailureCode; message: string };

/** A call whose arguments fit its tool. */
export interface ReadyCall {
  /**
   * Whether a person must be asked first. Called once each time the call is judged, before anything is written. Only `false`
   * is a no: if it throws, is late, or gives anything else, the person is asked. Whatever it does with its input, `make` gets
   * what the model wrote.
   */
  needsApproval(): Promise<unknown>;
  /**
   * Makes the call. The caller guarantees that the ledger has the call as started by `call.key` (unless the tool `records`
   * itself), that one attempt does not make it twice, and that `signal` is aborted when the worker has lost the job or must
   * end; the result is then dropped. The implementation must not throw, must end soon after `signal` is aborted, must have
   * its own time limit, and must return `unknown` instead of `error` whenever the call may have been made anyway.
   */
  make(call: OwnCall, signal: AbortSignal): Promise<OwnResult>;
}

/** A tool that we run, as a run knows it: declared by the profile, or listed by an MCP server that we call. */
export interface RunnableTool {
  /** An MCP server's label; null for a function of the profile. */
  readonly server: string | null;
  /** Its own name. OpenAI may know it by another (see `RunnableTools.find`). */
  readonly tool: string;
  /** The effect that it declares itself. A profile's rule takes precedence; with neither, it is `once`. */
  readonly effect: Effect | undefined;
  /**
   * Whether it writes the ledger's row of a call itself, in the transaction of the call. Then nothing is written before, and
   * no call of it is ever in doubt.
   */
  readonly records: boolean;
  /**
   * Reads the model's arguments.
   * @returns the reason why they do not fit, in words for the model; or the call
   */
  read(args: string): Promise<{ error: string } | ReadyCall>;
}
