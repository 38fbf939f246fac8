/** A run's events, for followers in the same isolate. */
import type { ShownEvent } from "./shown-event.ts";

/** How many events are kept for a slow follower. A slower one reads the stream from the database. */
const maxKept = 5_000;

export class Feed {
  #events: ShownEvent[] = [];
  /** Number of the first event that is kept, or will come; undefined until it is known. */
  #first: number | undefined;
  #ended = false;
  readonly #listeners = new Set<() => void>();

  /** Whether nothing more comes. */
  get ended(): boolean {
    return this.#ended;
  }

  get first(): number | undefined {
    return this.#first;
  }

  /** Sets the number of the first event. */
  begin(number: number): void {
    this.#first ??= number;
  }

  push(event: ShownEvent): void {
    this.#first ??= event.number;
    this.#events.push(event);
    // Half of them at once, so that this costs nothing per event.
    if (this.#events.length > maxKept * 2) {
      this.#first += this.#events.length - maxKept;
      this.#events = this.#events.slice(-maxKept);
    }
    this.#ring();
  }

  end(): void {
    this.#ended = true;
    this.#ring();
  }

  /** The events from a number on; undefined if some of them are no longer kept. */
  from(number: number): ShownEvent[] | undefined {
    if (this.#first === undefined || this.#first > number) return undefined;
    return this.#events.slice(number - this.#first);
  }

  /**
   * Calls back at each event and at the end.
   * @returns a function that stops it
   */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #ring(): void {
    for (const listener of this.#listeners) listener();
  }
}

const feeds = new Map<string, Feed>();

/** The feed of a job that runs, or is about to run, in this isolate. */
export function feedOf(jobId: string): Feed | undefined {
  return feeds.get(jobId);
}

/** Creates a job's feed, and replaces that of an earlier attempt. */
export function openFeed(jobId: string): Feed {
  feeds.get(jobId)?.end();
  const feed = new Feed();
  feeds.set(jobId, feed);
  return feed;
}

export function closeFeed(jobId: string, feed: Feed): void {
  feed.end();
  if (feeds.get(jobId) === feed) feeds.delete(jobId);
}
