/**
 * A reference model of a job's life, small enough to be read at once: what each event does to a job in each state. The SQL
 * functions are compared with it, with events in random order.
 */
export type Status =
  | "background"
  | "queued"
  | "running"
  | "awaiting_approval"
  | "needs_review"
  | "completed"
  | "failed"
  | "cancelled";

/** A call as the ledger knows it. */
export type Call = "started" | "finished" | "void" | "uncertain";

export interface Job {
  status: Status;
  attempt: number;
  failures: number;
  stalledLives: number;
  responseId: boolean;
  /** The only `once` call of the job's task, in each attempt that started it. */
  calls: { attempt: number; status: Call }[];
  onUncertain: "review" | "retry";
}

export const maxAttempts = 4;

export const isFinal = ({ status }: Job) =>
  status === "completed" || status === "failed" || status === "cancelled";

/** Settles calls in flight. True if a person must look. */
function settle(job: Job): boolean {
  for (const call of job.calls) {
    if (call.attempt !== job.attempt || call.status !== "started") continue;
    call.status = job.onUncertain === "retry" ? "void" : "uncertain";
  }
  return job.calls.some(({ attempt, status }) => attempt === job.attempt && status === "uncertain");
}

/** A failed try leads to another one, to the job's end, or to a person. */
function failTry(job: Job): void {
  if (settle(job)) job.status = "needs_review";
  else if (job.failures + 1 >= maxAttempts) job.status = "failed";
  else {
    job.status = "queued";
    job.failures++;
  }
}

/** The events. Each returns false if it must be refused, and then changes nothing. */
export const events = {
  record(job: Job): boolean {
    if (job.status === "background" && job.attempt === 1) job.responseId = true;
    return true;
  },
  fallBack(job: Job): boolean {
    if (job.status !== "background") return false;
    job.status = "queued";
    job.responseId = false;
    return true;
  },
  claim(job: Job): boolean {
    if (job.status !== "queued") return false;
    job.status = "running";
    job.attempt++;
    return true;
  },
  begin(job: Job): boolean {
    if (job.status !== "running") return false;
    if (!job.calls.some(({ attempt }) => attempt === job.attempt)) {
      job.calls.push({ attempt: job.attempt, status: "started" });
    }
    return true;
  },
  finish(job: Job): boolean {
    if (job.status !== "running") return false;
    for (const call of job.calls) {
      if (call.attempt === job.attempt && call.status === "started") call.status = "finished";
    }
    return true;
  },
  complete(job: Job): boolean {
    if (job.status !== "background" && job.status !== "running") return false;
    for (const call of job.calls) {
      if (call.attempt === job.attempt && call.status === "started") call.status = "void";
    }
    job.status = "completed";
    return true;
  },
  fail(job: Job): boolean {
    if (job.status !== "background" && job.status !== "running") return false;
    job.status = settle(job) ? "needs_review" : "failed";
    return true;
  },
  retryLater(job: Job): boolean {
    if (job.status !== "running") return false;
    failTry(job);
    return true;
  },
  loseLease(job: Job): boolean {
    if (job.status !== "running") return false;
    failTry(job);
    return true;
  },
  release(job: Job): boolean {
    if (job.status !== "running") return false;
    if (settle(job)) job.status = "needs_review";
    else if (
      job.calls.some(({ attempt, status }) => attempt === job.attempt && status === "finished")
    ) {
      job.status = "queued";
      job.stalledLives = 0;
    } else {
      job.status = job.stalledLives === 0 ? "queued" : "failed";
      job.stalledLives = 1;
    }
    return true;
  },
  park(job: Job): boolean {
    if (job.status !== "background" && job.status !== "running") return false;
    job.status = settle(job) ? "needs_review" : "awaiting_approval";
    return true;
  },
  approve(job: Job): boolean {
    if (job.status !== "awaiting_approval") return false;
    job.status = "queued";
    return true;
  },
  expire(job: Job): boolean {
    if (job.status !== "awaiting_approval") return false;
    job.status = "failed";
    return true;
  },
  resolve(job: Job, outcome: "happened" | "did_not_happen" | "cancel"): boolean {
    if (job.status !== "needs_review") return false;
    for (const call of job.calls) {
      if (call.status !== "uncertain" || outcome === "cancel") continue;
      call.status = outcome === "happened" ? "finished" : "void";
    }
    job.status = outcome === "cancel" ? "cancelled" : "queued";
    return true;
  },
  cancel(job: Job): boolean {
    if (job.status === "cancelled") return true;
    if (isFinal(job)) return false;
    settle(job);
    job.status = "cancelled";
    return true;
  },
};
