/** Watches a job: its changes from the database, and live text, which is in no table while it is written. */
import type { SupabaseClient } from "@supabase/supabase-js";
import type { Tables } from "../data/tables.ts";
import type { Update } from "../types/update.ts";
import { Changes } from "./changes.ts";
import { follow } from "./follow.ts";
import { listenToJob } from "./live-topics.ts";
import { TextAssembler } from "./text.ts";

export interface WatchParts {
  supabase: SupabaseClient;
  tables: Tables;
  jobId: string;
  signal: AbortSignal | undefined;
  /** Whether live text is wanted: it costs the worker CPU. */
  text: boolean;
}

/**
 * Yields updates until the job is final.
 * @throws the same as `follow`
 */
export async function* watchJob(
  { supabase, tables, jobId, signal, text: wantsText }: WatchParts,
): AsyncGenerator<Update, void, undefined> {
  const changes = new Changes();
  const text = new TextAssembler();
  yield* follow<Update>({
    gapMs: 0,
    isOver: () => changes.isFinal,
    look: async () =>
      changes.take(
        await tables.progress(jobId, changes.firstUnsettled, signal),
      ),
    listen({ onChange, onState, tell }) {
      const topic = listenToJob(supabase, tables, jobId, {
        wantsText,
        onChange,
        onState,
        onText(payload) {
          if (!wantsText) return;
          const { update, gap } = readText(text, payload);
          if (gap) topic.askForText();
          if (update) tell({ type: "text", ...update });
        },
      });
      return topic;
    },
  }, signal);
}

function readText(
  text: TextAssembler,
  payload: unknown,
): ReturnType<TextAssembler["add"]> {
  try {
    return text.add(payload);
  } catch (error) {
    // A message that cannot be read may come from another version. supabase-js calls this function, so it must not throw.
    if (error instanceof TypeError) return { gap: false };
    throw error;
  }
}
