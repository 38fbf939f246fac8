/** The topics that are open, one of each kind and supabase client. */
import type { SupabaseClient } from "@supabase/supabase-js";
import type { Tables } from "../data/tables.ts";
import { type LiveListener, LiveTopic, type Topic } from "./live-topic.ts";
import { ownTopic } from "./own-topic.ts";

// Two clients of ours may be made of one supabase client, which has but one channel per topic.
const topicsOf = new WeakMap<SupabaseClient, Map<string, LiveTopic>>();

/** Listens to a job's topic until `stop`. */
export function listenToJob(
  supabase: SupabaseClient,
  tables: Tables,
  jobId: string,
  listener: LiveListener,
): { askForText(): void; stop(): void } {
  const topic: Topic = {
    name: () => `response-job:${jobId}`,
    askForText() {
      // Text is an extra, and the next sign of life is near: a failed one is not reported.
      tables.watch(jobId).catch(() => undefined);
    },
  };
  return {
    askForText: topic.askForText,
    stop: listen(supabase, jobId, topic, listener),
  };
}

/** Listens to the topic of all jobs of whoever is signed in, until `stop`. */
export function listenToOwnJobs(
  supabase: SupabaseClient,
  listener: LiveListener,
): { stop(): void } {
  const topic: Topic = { name: () => ownTopic(supabase), askForText() {} };
  return { stop: listen(supabase, "own jobs", topic, listener) };
}

/** @returns what ends it */
function listen(
  supabase: SupabaseClient,
  key: string,
  of: Topic,
  listener: LiveListener,
): () => void {
  const topics = topicsOf.get(supabase) ?? new Map<string, LiveTopic>();
  topicsOf.set(supabase, topics);
  const topic = topics.get(key) ?? new LiveTopic(supabase, of);
  topics.set(key, topic);
  topic.add(listener);
  return () => {
    topic.remove(listener);
    // Kept until its channel has left, so that whoever listens again at once waits for that.
    void topic.left.then(() => {
      if (topic.isUnused && topics.get(key) === topic) topics.delete(key);
    });
  };
}
