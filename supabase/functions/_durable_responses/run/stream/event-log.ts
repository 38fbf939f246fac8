/** The events of all runs on their way to the database. */
import * as streams from "../../db/streams.ts";
import { describe, log } from "../../platform/log.ts";

/** How long an event may wait for others, in ms. The first after a silence does not wait. */
const batchMs = 250;
/** Longest pause while the database does not accept them, in ms. */
const longestBatchMs = 5_000;
/** How often a run that has ended tries to write its last events. */
const lastTries = 3;

/** A run whose events are written. */
export interface Writer {
  readonly waits: boolean;
  take(): streams.Batch | undefined;
  /** @param runs whether the attempt is still running */
  onWritten(batch: streams.Batch, runs: boolean): void;
  onRefused(): void;
}

/** Writes the events of all runs of an isolate together: one call at a time, however many runs there are. */
class EventLog {
  readonly #writers = new Set<Writer>();
  #pauseMs = batchMs;
  #writtenAt = -Infinity;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #writing: Promise<boolean> | undefined;

  /** There is something to write. */
  schedule(writer: Writer): void {
    this.#writers.add(writer);
    if (this.#writing || this.#timer !== undefined) return;
    const wait = this.#writtenAt + this.#pauseMs - performance.now();
    this.#timer = setTimeout(() => void this.#write(), Math.max(wait, 0));
  }

  /** Resolves when a run that has ended has nothing left to write, or could not write for a while. */
  async finish(writer: Writer): Promise<void> {
    for (let tries = 0; tries < lastTries && writer.waits;) {
      this.#writers.add(writer);
      if (!await this.#write()) tries++;
    }
  }

  remove(writer: Writer): void {
    this.#writers.delete(writer);
  }

  /** @returns false if the database did not accept it */
  #write(): Promise<boolean> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    return this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined;
      this.#writtenAt = performance.now();
      for (const writer of this.#writers) if (writer.waits) this.schedule(writer);
    });
  }

  async #writeAll(): Promise<boolean> {
    const batches = [...this.#writers].flatMap((writer) => {
      const batch = writer.take();
      return batch === undefined ? [] : [{ writer, batch }];
    });
    if (batches.length === 0) return true;
    try {
      const held = await streams.append(batches.map(({ batch }) => batch));
      for (const { writer, batch } of batches) {
        const found = held.find(({ id, attempt }) => id === batch.id && attempt === batch.attempt);
        if (found) writer.onWritten(batch, found.runs);
        else writer.onRefused();
      }
      this.#pauseMs = batchMs;
      return true;
    } catch (error) {
      this.#pauseMs = Math.min(this.#pauseMs * 2, longestBatchMs);
      log.warn("cannot write the events of streams yet", {
        jobs: batches.length,
        pause_ms: this.#pauseMs,
        error: describe(error),
      });
      return false;
    }
  }
}

/** The log of this isolate. */
export const eventLog = new EventLog();
