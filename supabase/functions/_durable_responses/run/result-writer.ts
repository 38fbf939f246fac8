/** The results of a worker's runs on their way to the database. */
import * as jobs from "../db/jobs.ts";
import type { AttemptKey } from "../model/job.ts";
import { isUnavailable, RequestError } from "../platform/errors.ts";
import { describe, log } from "../platform/log.ts";

/** The most results, and characters of answers, in one call, because each call has a time limit. */
const maxResults = 50;
const maxCharacters = 1_000_000;

interface Waiting {
  key: AttemptKey;
  result: jobs.Result;
  settle: { resolve: () => void; reject: (reason: unknown) => void };
}

/**
 * Writes the results of a worker's runs. A result that comes while others are being written waits for that write and goes
 * with the next, together with all that have come meanwhile. No result waits for others, and runs that end together share a
 * round trip and a commit. Each result keeps its own attempt and its own outcome.
 */
export class ResultWriter {
  readonly #waiting: Waiting[] = [];
  #writing = false;

  constructor(private readonly writeMany = jobs.completeMany) {}

  /**
   * Resolves when the result is written.
   * @throws RequestError `stale_attempt` if the attempt has ended, `database_unavailable` if it cannot be written now
   */
  write(key: AttemptKey, result: jobs.Result): Promise<void> {
    const { promise, ...settle } = Promise.withResolvers<void>();
    this.#waiting.push({ key, result, settle });
    if (!this.#writing) void this.#writeAll();
    return promise;
  }

  async #writeAll(): Promise<void> {
    this.#writing = true;
    while (this.#waiting.length > 0) await this.#writeTogether(this.#nextBatch());
    this.#writing = false;
  }

  #nextBatch(): Waiting[] {
    let characters = 0;
    let count = 0;
    for (const { result } of this.#waiting) {
      characters += result.response.outputText.length;
      if (count === maxResults || (count > 0 && characters > maxCharacters)) break;
      count++;
    }
    return this.#waiting.splice(0, count);
  }

  async #writeTogether(batch: Waiting[]): Promise<void> {
    try {
      const written = new Set(
        await this.writeMany(batch.map(({ key, result }) => [key, result])),
      );
      for (const { key, settle } of batch) {
        if (written.has(key.id)) settle.resolve();
        else settle.reject(movedOn(key));
      }
    } catch (error) {
      if (isUnavailable(error) || batch.length === 1) {
        for (const { settle } of batch) settle.reject(error);
        return;
      }
      // A result that the database refuses must not affect the others.
      log.warn("cannot write results together, so one by one", {
        results: batch.length,
        error: describe(error),
      });
      for (const waiting of batch) await this.#writeTogether([waiting]);
    }
  }
}

/** The writer of all runs in this process. */
export const resultWriter = new ResultWriter();

function movedOn({ id, attempt }: AttemptKey): RequestError {
  return new RequestError(
    "stale_attempt",
    `Cannot write as attempt ${attempt} of job ${id}: that attempt has ended`,
    { hint: "Another worker has taken over the job. Discard this result" },
  );
}
