/** What the bench needs from a queue. Each system implements it with its own public interface. */

/** A job to enqueue: every system stores the payload and keeps the key unique. */
export interface QueuedJob {
  key: string;
  payload: { query: string; metadata: Record<string, string> };
}

export interface QueueSystem {
  /** Creates its schema and queue; not measured. */
  start(): Promise<void>;
  /** One call for one job. */
  enqueue(job: QueuedJob): Promise<void>;
  /** The fewest calls that the interface has for many jobs. */
  enqueueMany(jobs: QueuedJob[]): Promise<void>;
  /**
   * Claims and completes waiting jobs one at a time until `total` are done or the time is up
   * (`performance.now()`, ms).
   */
  drainOneByOne(total: number, untilMs: number): Promise<void>;
  /** The same in batches, in whatever way the system offers. */
  drainInBatches(total: number, untilMs: number): Promise<void>;
  /** How many jobs are finished according to the database. */
  finished(): Promise<number>;
}

/** Callers at a time, for every system. */
export const callerCount = 8;
/** Jobs in a batch, where the caller chooses. */
export const batchSize = 100;

/** Runs `step` in several callers at once, each until it returns false. */
export async function inParallel(callers: number, step: (caller: number) => Promise<boolean>) {
  await Promise.all(Array.from({ length: callers }, async (_, caller) => {
    while (await step(caller));
  }));
}
