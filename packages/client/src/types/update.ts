/** The updates of `watch` and `watchList`. */
import type { Page } from "../list.ts";
import type { Job } from "./job.ts";
import type { Step, ToolCall } from "./step.ts";

export type Update<J extends Job = Job> =
  /** The job as it is now: at first, then whenever it changes, and as the last update when it is final. */
  | { type: "job"; job: J }
  /** A tool call that has started, or whose status has changed. */
  | { type: "tool_call"; step: ToolCall }
  /** Any other step. */
  | { type: "step"; step: Step }
  /** The answer while it is written. `text` is this attempt's text so far, `delta` the new part. */
  | { type: "text"; attempt: number; delta: string; text: string }
  | ConnectionUpdate;

export type ListUpdate<Name extends string = string> =
  /** The page as it is now: at first, then whenever it changes. */
  | ({ type: "jobs" } & Page<Name>)
  | ConnectionUpdate;

/**
 * live: updates arrive through Realtime. polling: Realtime refuses or is unavailable, so the client polls the database.
 * offline: the database cannot be reached either, and the client keeps trying.
 */
export interface ConnectionUpdate {
  type: "connection";
  state: ConnectionState;
  /** Why it is not live. */
  reason?: string;
}

export type ConnectionState = "live" | "polling" | "offline";
