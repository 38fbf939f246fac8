/** Watching a page of the list: yields it whenever one of its jobs changes or a new one appears. */
import type { SupabaseClient } from "@supabase/supabase-js";
import type { ListFilter, Tables } from "../data/tables.ts";
import { type Page, readPage } from "../list.ts";
import type { ListUpdate } from "../types/update.ts";
import { follow } from "./follow.ts";
import { listenToOwnJobs } from "./live-topics.ts";

/** A user with many unfinished jobs has a change every moment. Nobody reads a list faster than this. */
const gapMs = 1_000;

/**
 * Yields updates until the signal is aborted or you leave the loop.
 * @throws the same as `follow`
 */
export async function* watchPage(
  { supabase, tables, filter, signal }: {
    supabase: SupabaseClient;
    tables: Tables;
    filter: ListFilter;
    signal: AbortSignal | undefined;
  },
): AsyncGenerator<ListUpdate, void, undefined> {
  let seen = "";
  yield* follow<ListUpdate>({
    gapMs: gapMs,
    isOver: () => false,
    async look() {
      const page = await readPage(tables, filter, signal);
      const before = seen;
      seen = withoutRenewals(page);
      return seen === before ? [] : [{ type: "jobs", ...page }];
    },
    listen: ({ onChange, onState }) =>
      listenToOwnJobs(supabase, tables, {
        onState,
        wantsText: false,
        onText() {},
        // A step changes no line of the list.
        onChange: (what) => what === "job" && onChange(),
      }),
  }, signal);
}

/** A renewed lease changes updated_at and nothing that a user sees. */
function withoutRenewals({ jobs, next }: Page): string {
  return JSON.stringify([
    jobs.map((job) => ({ ...job, updated_at: "" })),
    next,
  ]);
}
