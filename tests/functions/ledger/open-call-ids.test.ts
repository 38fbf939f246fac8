/** Calls that an earlier attempt left open keep the ids of their steps, even if an API repeats ids. */
import assert from "node:assert/strict";
import { type Work, workSchema } from "../../../supabase/functions/_durable_responses/model/job.ts";
import { EffectRules } from "../../../supabase/functions/_durable_responses/tools/effect-rules.ts";
import { ToolCallTracker } from "../../../supabase/functions/_durable_responses/tools/tool-call-tracker.ts";

const call = (arguments_: string) => ({
  type: "function_call",
  id: "fc_0",
  call_id: "call_0",
  name: "send",
  arguments: arguments_,
});

const id = crypto.randomUUID();

function work(open: Work["open_calls"]): Work {
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

function trackerOf(open: Work["open_calls"]) {
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
  });
}

Deno.test("a call whose id an open call has gets another", () => {
  const open = [{ number: 1, attempt: 2, item_id: "fc_0", call_repeat: 0, item: call("first") }];
  assert.notEqual(trackerOf(open).idOfCall(call("second")), "fc_0");
});

Deno.test("with no open call it keeps its own", () => {
  assert.equal(trackerOf([]).idOfCall(call("second")), "fc_0");
});
