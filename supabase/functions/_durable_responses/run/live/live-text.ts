/** The live text of all runs, requested and sent in batches. */
import * as jobs from "../../db/jobs.ts";
import type { AttemptKey } from "../../model/job.ts";
import { environment } from "../../platform/environment.ts";
import { describe, log } from "../../platform/log.ts";
import { RunText, type TextMessage } from "./run-text.ts";

/** How often text is sent, in ms. */
const firstBatchMs = 150;
/** Longest pause between batches if Realtime does not accept them, in ms. */
const longestBatchMs = 5_000;
/** How often we ask who watches while text comes, in ms: one indexed read for all runs of the worker. */
const askMs = 4_000;

/** Longest wait for Realtime to accept a batch, in ms. */
const publishTimeoutMs = 5_000;

/** JSON text cannot contain this unescaped. */
const textDelta = /^event: ?response\.output_text\.delta\n|"type": ?"response\.output_text\.delta"/;

/** Takes the deltas of one run. */
export interface TextSink {
  /** @param block an event as it came, its `event:` and `data:` lines; anything that is not text is skipped */
  add(block: string): void;
  close(): void;
}

/**
 * Shows the text of runs to those who watch them, in batches for all runs of a worker. It is an extra: no failure here
 * affects a run. We ask who watches only while text is coming: once when a run's text starts, then now and then.
 */
export class LiveText {
  readonly #runs = new Map<string, RunText>();
  readonly #unchecked = new Set<RunText>();
  #askedAt = -Infinity;
  #batchMs = firstBatchMs;
  #working = false;
  #timer: { due: number; id: ReturnType<typeof setTimeout> } | undefined;

  open(key: AttemptKey): TextSink {
    const run = new RunText(key);
    let begun = false;
    return {
      add: (block) => {
        if (!textDelta.test(block)) return;
        if (!begun) {
          begun = true;
          this.#runs.set(key.id, run);
          this.#unchecked.add(run);
        }
        run.add(block);
        this.#schedule();
      },
      close: () => {
        this.#unchecked.delete(run);
        if (this.#runs.get(key.id) === run) this.#runs.delete(key.id);
        if (this.#runs.size === 0) this.#unschedule();
      },
    };
  }

  #schedule(): void {
    if (this.#working) return;
    const now = performance.now();
    const due = this.#isWatched() || this.#unchecked.size > 0
      ? now + this.#batchMs
      : Math.max(now + this.#batchMs, this.#askedAt + askMs);
    if (this.#timer && this.#timer.due <= due) return;
    this.#unschedule();
    this.#timer = { due, id: setTimeout(() => void this.#work(), due - now) };
  }

  #unschedule(): void {
    clearTimeout(this.#timer?.id);
    this.#timer = undefined;
  }

  #isWatched(): boolean {
    return this.#runs.values().some((run) => run.watched);
  }

  async #work(): Promise<void> {
    this.#timer = undefined;
    this.#working = true;
    const taken: RunText[] = [];
    try {
      if (this.#unchecked.size > 0 || performance.now() - this.#askedAt >= askMs) await this.#ask();
      const messages = this.#runs.values().flatMap((run) => {
        const messages = run.take();
        if (messages.length > 0) taken.push(run);
        return messages;
      }).toArray();
      if (messages.length > 0) await publishText(messages);
      this.#batchMs = firstBatchMs;
    } catch (error) {
      for (const run of taken) run.sendAgain();
      this.#batchMs = Math.min(this.#batchMs * 2, longestBatchMs);
      log.warn("cannot show live text", {
        pause_ms: this.#batchMs,
        error: describe(error),
      });
    } finally {
      this.#working = false;
    }
    // Sends what came meanwhile, or did not arrive. A run that is silent now comes back by itself.
    if (this.#isWatched()) this.#schedule();
  }

  async #ask(): Promise<void> {
    this.#askedAt = performance.now();
    this.#unchecked.clear();
    const watches = new Map(
      (await jobs.watched([...this.#runs.keys()])).map((watch) => [watch.id, watch.watched_until]),
    );
    for (const [id, run] of this.#runs) run.setWatch(watches.get(id));
  }
}

/** The live text of this worker. */
export const liveText = new LiveText();

/**
 * Sends text to the watchers of its jobs: one request to Realtime for all of them. Only a secret key may send on these
 * topics.
 * @throws Error if Realtime did not accept it
 */
async function publishText(messages: TextMessage[]): Promise<void> {
  const { supabaseUrl, secretKey } = environment();
  const answer = await fetch(`${supabaseUrl}/realtime/v1/api/broadcast`, {
    method: "POST",
    headers: { apikey: secretKey, "content-type": "application/json" },
    body: JSON.stringify({
      messages: messages.map((payload) => ({
        topic: `response-job:${payload.job_id}`,
        event: "text",
        private: true,
        payload,
      })),
    }),
    signal: AbortSignal.timeout(publishTimeoutMs),
  });
  await answer.body?.cancel();
  if (!answer.ok) throw new Error(`Realtime answered ${answer.status}`);
}
