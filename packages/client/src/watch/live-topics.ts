/** The open topics, one of each kind per supabase client. */
import type { SupabaseClient } from "@supabase/supabase-js";
import type { Tables } from "../data/tables.ts";
import { type LiveListener, LiveTopic, type Topic } from "./live-topic.ts";
import { ownTopic } from "./own-topic.ts";

// Two of our clients may share one supabase client, which has only one channel per topic.
const topicsOf = new WeakMap<SupabaseClient, Map<string, LiveTopic>>();

export interface Listening {
  /** Resolves when the watch is registered, or cannot be. */
  watched: Promise<void>;
  stop(): void;
}

/** Listens to a job's topic until `stop`. */
export function listenToJob(
  supabase: SupabaseClient,
  tables: Tables,
  jobId: string,
  listener: LiveListener,
): Listening & { askForText(): void } {
  return listen(supabase, jobId, {
    name: () => `response-job:${jobId}`,
    watch: (text) => tables.watchJob(jobId, text),
  }, listener);
}

/** Listens to the topic of all jobs of the signed-in user, until `stop`. */
export function listenToOwnJobs(
  supabase: SupabaseClient,
  tables: Tables,
  listener: LiveListener,
): Listening {
  return listen(supabase, "own jobs", {
    name: () => ownTopic(supabase),
    watch: () => tables.watchOwnJobs(),
  }, listener);
}

function listen(
  supabase: SupabaseClient,
  key: string,
  of: Topic,
  listener: LiveListener,
): Listening & { askForText(): void } {
  const topics = topicsOf.get(supabase) ?? new Map<string, LiveTopic>();
  topicsOf.set(supabase, topics);
  const topic = topics.get(key) ?? new LiveTopic(supabase, of);
  topics.set(key, topic);
  return {
    watched: topic.add(listener),
    askForText: () => topic.askForText(),
    stop() {
      topic.remove(listener);
      // Kept until its channel has left, so that the next listener waits for that.
      void topic.left.then(() => {
        if (topic.isUnused && topics.get(key) === topic) topics.delete(key);
      });
    },
  };
}
