/** The topics that are open, one per job and supabase client. */
import type { SupabaseClient } from "@supabase/supabase-js";
import type { Tables } from "../data/tables.ts";
import { type LiveListener, LiveTopic } from "./live_topic.ts";

// Two clients of ours may be made of one supabase client, which has but one channel per topic.
const topicsOf = new WeakMap<SupabaseClient, Map<string, LiveTopic>>();

/** Listens to a job's topic; the function that it returns ends that. */
export function listenToJob(
  supabase: SupabaseClient,
  tables: Tables,
  jobId: string,
  listener: LiveListener,
): { askForText(): void; stop(): void } {
  const topics = topicsOf.get(supabase) ?? new Map<string, LiveTopic>();
  topicsOf.set(supabase, topics);
  const topic = topics.get(jobId) ?? new LiveTopic(supabase, tables, jobId);
  topics.set(jobId, topic);
  topic.add(listener);
  return {
    askForText: () => topic.askForText(),
    stop() {
      topic.remove(listener);
      // Kept until its channel has left, so that whoever watches again at once waits for that.
      void topic.left.then(() => {
        if (topic.isUnused && topics.get(jobId) === topic) topics.delete(jobId);
      });
    },
  };
}
