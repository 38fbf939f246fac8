/**
 * Which worker of a function gets the next request.
 *
 * The platform, as far as is known. Its open source (supabase/edge-runtime, crates/base/src/worker/pool.rs) keeps up to
 * `--max-parallelism` workers per function and knows two ways to choose. `per_worker`, the default: round robin over the
 * workers that are not retired, busy or not; a second one is started only while the first boots, or when the main service
 * asks with `forceCreate`. `per_request`: a worker with a request in flight gets no other; one more is started while the
 * number allows, else the request waits up to 10 s (`request_wait_timeout_ms`) and then fails. `waitUntil` work counts in
 * neither. Which of them the hosted platform runs, and with what numbers, is not public: its documentation says only that
 * a worker can serve several requests.
 *
 * So functions must be right both when they share a worker and when they do not. This chooses like `per_request`, as that
 * makes real parallelism between processes, with two differences: pending `waitUntil` work makes a worker busy, since two
 * runs in one process would share its memory and CPU limits; and at the limit a request shares a worker, as with
 * `per_worker`, rather than fail. `maxWorkers: 1` gives what `per_worker` gives.
 */

export interface Candidate {
  /** Whether it may take requests at all; not after half of its wall clock. */
  readonly accepts: boolean;
  /** Requests in flight, those that wait for its boot included, and pending `waitUntil` work. */
  readonly load: number;
}

/** The worker to use: an idle one, else the least busy when no more may be booted; undefined: boot one. */
export function chooseWorker<W extends Candidate>(workers: W[], maxWorkers: number): W | undefined {
  const accepting = workers.filter((worker) => worker.accepts).sort((a, b) => a.load - b.load);
  const [leastBusy] = accepting;
  const mayBoot = accepting.length < maxWorkers;
  return leastBusy?.load && mayBoot ? undefined : leastBusy;
}
