import type { RequestFaults } from "../faults/select.ts";
import type { PlanBook } from "../model/plans.ts";
import type { Timings } from "../types.ts";

/** What a run is executed with. */
export interface RunEnv {
  timings: Timings;
  faults: RequestFaults;
  plans: PlanBook;
  /** Aborted when the stand-in stops: nothing is waited for any more. */
  stopping: AbortSignal;
  /** Downloads what the request refers to. Throws DownloadFailed for what cannot be had. */
  download: () => Promise<void>;
  /** Takes over a promise that outlives the run; it is waited for when the stand-in stops. */
  linger: (work: Promise<void>) => void;
}
