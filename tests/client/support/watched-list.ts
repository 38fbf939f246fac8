/** Collects the updates of `watchList`. */
import type { ListOptions, ListUpdate } from "../../../packages/client/src/index.ts";
import { eventually } from "../../support/eventually.ts";
import type { TestClient } from "./client.ts";

export interface WatchedList extends AsyncDisposable {
  updates: ListUpdate[];
  /** How updates came, in order, and why they were not live. */
  states(): string[];
  reasons(): (string | undefined)[];
  pages(): Extract<ListUpdate, { type: "jobs" }>[];
  /** The last page, as `<id> <status>`. */
  shown(): string[];
  /** Waits until updates come in this way. */
  becomes(state: "live" | "polling"): Promise<unknown>;
}

/** Watches until it is disposed. */
export function watchList(
  { responses }: Pick<TestClient, "responses">,
  options: ListOptions = {},
): WatchedList {
  const updates: ListUpdate[] = [];
  const stop = new AbortController();
  const done = (async () => {
    for await (
      const update of responses.watchList({ ...options, signal: stop.signal })
    ) {
      updates.push(update);
    }
  })();
  // It is awaited when disposed, and must not count as unhandled until then.
  void Promise.allSettled([done]);
  const pages = () => updates.flatMap((update) => update.type === "jobs" ? [update] : []);
  const connections = () =>
    updates.flatMap((update) => update.type === "connection" ? [update] : []);
  const states = () => connections().map(({ state }) => state);
  return {
    updates,
    pages,
    states,
    reasons: () => connections().map(({ reason }) => reason),
    shown: () => pages().at(-1)?.jobs.map(({ id, status }) => `${id} ${status}`) ?? [],
    becomes: (state) => eventually(`${state} updates`, states, (seen) => seen.at(-1) === state),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await done.catch((error: unknown) => {
        if (error !== stop.signal.reason) throw error;
      });
    },
  };
}
