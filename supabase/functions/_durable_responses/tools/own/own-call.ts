/** A call of a tool that we run ourselves, and the contract between its runner and the run that asked for it. */
import type { FailureCode } from "../../model/failure.ts";
import type { Item } from "../../model/items.ts";
import type { AttemptKey } from "../../model/job.ts";
import type { Effect } from "../../model/status.ts";

/** One call, as the model asked for it. */
export interface OwnCall {
  /** The attempt that makes it: every write names it. */
  key: AttemptKey;
  ownerId: string | null;
  /** The step that represents it. */
  stepId: string;
  /** The attempt whose response asked for it, where that is an earlier one. */
  takenFrom?: number;
  /** The model's `function_call` item, as it came. */
  item: Item;
  callId: string;
  /** An MCP server's label; null for a function of the profile. */
  server: string | null;
  /** The tool's own name, as ledger, approvals and console show it. */
  tool: string;
  /** JSON as text, exactly as the model wrote it. */
  arguments: string;
  /** Equal keys are the same call. */
  callKey: string;
  /** How many equal calls of the run came before it. One that failed, or of which nobody knows, is the same call again. */
  repeat: number;
  effect: Effect;
  /** The same for the same call in whatever attempt. */
  idempotencyKey: string;
}

/** What a `function_call_output` may have beside text. */
export type OutputPart =
  | { type: "input_text"; text: string }
  | { type: "input_image"; image_url: string; detail: "auto" }
  | { type: "input_file"; filename: string; file_data: string };

/** The outcome of a call. `parts`, if there are any, go to the model instead of the text. */
export type OwnResult =
  /** The tool's answer, as text: JSON where it is more than one. */
  | { kind: "output"; output: string; parts?: OutputPart[] }
  /** The tool's no, told to the model: it did nothing, or what it did it says. */
  | { kind: "error"; error: string }
  /** Nobody knows whether it happened: its time was up, or the connection broke. For a `once` call a person looks. */
  | { kind: "unknown"; error: string }
  /** The job fails, with this code. */
  | { kind: "fatal"; code: FailureCode; message: string };

/** A call whose arguments fit its tool. */
export interface ReadyCall {
  /** Whether a person is to be asked first. Asked once per look, before anything is written; what it throws counts as yes, and being late too. */
  needsApproval(): Promise<boolean>;
  /**
   * Makes the call. The rounds promise: the ledger has the call as started by `call.key` before (unless the tool `records`
   * itself); it is not called twice by one attempt; `signal` is aborted when the worker has lost the job or must end, and the
   * result is then dropped. Whoever implements it promises: it throws nothing, it ends soon after `signal` is aborted, it has a
   * time limit of its own, and it says `unknown` rather than `error` wherever the call may have happened all the same.
   */
  make(call: OwnCall, signal: AbortSignal): Promise<OwnResult>;
}

/** A tool that we run, as a run knows it: declared by the profile, or listed by an MCP server that we call. */
export interface RunnableTool {
  /** An MCP server's label; null for a function of the profile. */
  readonly server: string | null;
  /** Its own name: what OpenAI calls it may be another (see `RunnableTools.find`). */
  readonly tool: string;
  /** What it says of its effect itself; a profile's rule comes first, and with neither it is `once`. */
  readonly effect: Effect | undefined;
  /**
   * Whether it writes the ledger's row of a call itself, in the transaction in which the call happens: then nothing is written
   * before, and no call of it is ever in doubt.
   */
  readonly records: boolean;
  /** Reads the model's arguments. @returns what does not fit, in words for the model; or the call */
  read(args: string): Promise<{ error: string } | ReadyCall>;
}
