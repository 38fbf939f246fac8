/** What the runtime tells about its workers. */
import type { UnloadReason } from "./protocol.ts";
import type { ProcessUsage } from "./usage.ts";

export type WorkerState = "booting" | "active" | "retiring" | "unloading" | "ended";

/** Why a worker ended. `memory`: the heap limit; `error`: it exited by itself; `killed`: a signal from outside. */
export type EndReason = UnloadReason | "boot" | "memory" | "error" | "killed";

export interface WorkerInfo {
  function: string;
  worker: string;
  pid: number;
  state: WorkerState;
  /** Requests taken so far. */
  requests: number;
  /** Requests whose response has not ended yet. */
  inFlight: number;
  /** `waitUntil` promises that have not settled yet. */
  pending: number;
  ageMs: number;
  ended?: EndReason;
}

/** `cpuMs` counts from the start of the function's own code, as the platform does. */
export type WorkerUsage = WorkerInfo & ProcessUsage;

export interface WorkerLimits {
  wallClockMs: number;
  firstByteMs: number;
}
