/** What `watch` and `watchList` tell. */
import type { Page } from "../list.ts";
import type { Job } from "./job.ts";
import type { Step, ToolCall } from "./step.ts";

export type Update<J extends Job = Job> =
  /** The job as it is now: first of all, then whenever it has changed; the last update of a final job. */
  | { type: "job"; job: J }
  /** A tool call that has begun, or whose status has changed. */
  | { type: "tool_call"; step: ToolCall }
  /** Any other step. */
  | { type: "step"; step: Step }
  /** The answer while it is written. `text` is all of this attempt's so far, `delta` what is new in it. */
  | { type: "text"; attempt: number; delta: string; text: string }
  | ConnectionUpdate;

export type ListUpdate<Name extends string = string> =
  /** The page as it is now: first of all, then whenever it has changed. */
  | ({ type: "jobs" } & Page<Name>)
  | ConnectionUpdate;

/**
 * live: updates come by Realtime. polling: Realtime is refused or away, so the database is asked. offline: that cannot be
 * reached either, and is tried again.
 */
export interface ConnectionUpdate {
  type: "connection";
  state: ConnectionState;
  /** Why it is not live. */
  reason?: string;
}

export type ConnectionState = "live" | "polling" | "offline";
