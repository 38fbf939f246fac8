/** Follows one job for components: a store that watches as long as somebody subscribes to it. */
import type { DurableResponses } from "../client.ts";
import { DurableResponsesError } from "../errors.ts";
import { isFinal, type Job } from "../types/job.ts";
import type { JobOf } from "../types/profiles.ts";
import { isToolCall, type Step, type ToolCall } from "../types/step.ts";
import type { ConnectionState, Update } from "../types/update.ts";

export interface Followed<J extends Job = Job> {
  /** The job as it is now; undefined until it is first read. */
  job: J | undefined;
  /** The answer: live while it is written, then as stored. */
  text: string;
  /** What its runs did, by number, including tool calls. */
  steps: readonly Step[];
  toolCalls: readonly ToolCall[];
  /** True until the job is first read. */
  loading: boolean;
  /** How updates arrive; undefined before the first, and when no more will come. */
  connection: ConnectionState | undefined;
  /** Why the job cannot be read, or why the last action failed. */
  error: DurableResponsesError | undefined;
}

const nothingYet: Followed<never> = {
  job: undefined,
  text: "",
  steps: [],
  toolCalls: [],
  connection: undefined,
  loading: true,
  error: undefined,
};

export class Follower<P> {
  #state: Followed<JobOf<P>> = nothingYet;
  readonly #listeners = new Set<() => void>();
  #watching: AbortController | undefined;

  constructor(
    private readonly client: DurableResponses<P>,
    private readonly id: string,
    private readonly text: boolean,
  ) {}

  /** For useSyncExternalStore: the same object until something changes. */
  readonly snapshot = (): Followed<JobOf<P>> => this.#state;

  readonly subscribe = (listener: () => void): () => void => {
    this.#listeners.add(listener);
    if (!this.#watching) void this.#watch();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#stop();
    };
  };

  /** Watches again after an error. */
  readonly refresh = (): void => {
    this.#stop();
    this.#set({ error: undefined });
    if (this.#listeners.size > 0) void this.#watch();
  };

  /** Runs an action on the job; undefined if it failed, and `error` then says why. */
  async act(action: () => Promise<JobOf<P>>): Promise<JobOf<P> | undefined> {
    this.#set({ error: undefined });
    try {
      const job = await action();
      if (job.id === this.id) this.#set({ job, loading: false });
      return job;
    } catch (error) {
      this.#set({ error: toError(error) });
      return undefined;
    }
  }

  async #watch(): Promise<void> {
    const watching = new AbortController();
    this.#watching = watching;
    const { signal } = watching;
    try {
      for await (
        const update of this.client.watch(this.id, { signal, text: this.text })
      ) {
        if (signal.aborted) return;
        this.#set(this.#after(update));
      }
      this.#set({ connection: undefined });
    } catch (error) {
      if (!signal.aborted) {
        this.#set({
          error: toError(error),
          loading: false,
          connection: undefined,
        });
      }
    }
  }

  #stop(): void {
    this.#watching?.abort();
    this.#watching = undefined;
  }

  #after(update: Update<JobOf<P>>): Partial<Followed<JobOf<P>>> {
    switch (update.type) {
      case "job": {
        const { job } = update;
        const text = isFinal(job) ? { text: job.output_text ?? "" } : {};
        return { job, loading: false, ...text };
      }
      case "text":
        return { text: update.text };
      case "connection":
        return { connection: update.state };
      case "step":
      case "tool_call": {
        const others = this.#state.steps.filter(({ number }) => number !== update.step.number);
        const steps = [...others, update.step].sort((a, b) => a.number - b.number);
        return { steps, toolCalls: steps.filter(isToolCall) };
      }
    }
  }

  #set(change: Partial<Followed<JobOf<P>>>): void {
    this.#state = { ...this.#state, ...change };
    for (const listener of this.#listeners) listener();
  }
}

/** The client throws only these errors. Anything else came from elsewhere, such as a callback. */
export function toError(error: unknown): DurableResponsesError {
  if (error instanceof DurableResponsesError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new DurableResponsesError("unexpected", message, { cause: error });
}

/** The state while no job is followed. */
export const nothing: Followed<never> = { ...nothingYet, loading: false };
