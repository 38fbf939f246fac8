/** A tracker of a run's calls, and the job that it belongs to. */
import {
  type Work,
  workSchema,
} from "../../../../supabase/functions/_durable_responses/model/job.ts";
import { EffectRules } from "../../../../supabase/functions/_durable_responses/tools/effect-rules.ts";
import {
  ToolCallTracker,
  type ToolCallTrackerOptions,
} from "../../../../supabase/functions/_durable_responses/tools/tool-call-tracker.ts";

const id = crypto.randomUUID();

/** A job as a worker has it. */
export function work(open: Work["open_calls"] = []): Work {
  return workSchema.parse({
    id,
    attempt: 2,
    status: "running",
    profile: "default",
    owner_id: null,
    owner_key: "00000000-0000-0000-0000-000000000000",
    first_id: id,
    input: "hi",
    request: null,
    settings: null,
    failures: 0,
    response_id: null,
    once_tools: true,
    on_uncertain: "review",
    guard: "always",
    guarded: true,
    ignores_approval: false,
    calls_started: false,
    background: null,
    run_since: 1,
    usages: [],
    earlier_responses: [],
    rounds: 0,
    deadline_left_ms: 60_000,
    background_left_ms: null,
    attempt_age_ms: 0,
    settle_failures: 0,
    streamed: false,
    steps: [],
    open_calls: open,
  });
}

export function trackerOf(
  { open, ...options }: { open?: Work["open_calls"] } & Partial<ToolCallTrackerOptions> = {},
): ToolCallTracker {
  const ignore = () => {};
  return new ToolCallTracker({
    work: work(open),
    effects: new EffectRules({}),
    save: ignore,
    wantsHandOver: () => false,
    handOver: ignore,
    hold: () => ignore,
    onUnapproved: ignore,
    holdForReview: ignore,
    ...options,
  });
}
