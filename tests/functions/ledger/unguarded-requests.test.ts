/** Which synchronous requests are in the ledger as a whole: those whose response may make a call that has no row of its own. */
import assert from "node:assert/strict";
import type { Work } from "../../../supabase/functions/_durable_responses/model/job.ts";
import { planFor } from "../../../supabase/functions/_durable_responses/profiles/plan.ts";
import {
  defineProfiles,
  type Profile,
} from "../../../supabase/functions/_durable_responses/profiles/profile.ts";
import { RunStop } from "../../../supabase/functions/_durable_responses/run/run-stop.ts";
import { StepWriter } from "../../../supabase/functions/_durable_responses/run/step-writer.ts";
import { UnguardedRequests } from "../../../supabase/functions/_durable_responses/run/unguarded-requests.ts";
import { work } from "./support/tracker.ts";

const job: Work = { ...work(), attempt: 1 };

const model = "gpt-6.1-sol";
const mail: Profile = {
  model,
  tools: [{ type: "mcp", server_label: "mailbox", server_url: "https://mail.example/mcp" }],
};
const shell = { type: "shell", environment: { type: "container_auto" } } as const;
const yes = { type: "mcp_approval_response", approval_request_id: "mcpr_0", approve: true };
const used = {
  type: "mcp_call",
  id: "mcp_0",
  server_label: "mailbox",
  name: "send",
  arguments: "{}",
  output: "sent",
  approval_request_id: "mcpr_0",
};

interface Case {
  profile?: Profile;
  input?: Record<string, unknown>[];
  more?: Partial<Work>;
}

const cases: Record<string, [rows: number, Case]> = {
  "guarded tools": [0, {}],
  "a route that ignores approvals": [1, { more: { ignores_approval: true } }],
  "such a route, with harmless tools": [0, { more: { ignores_approval: true, once_tools: false } }],
  "such a route, and a second call rather than a question": [
    0,
    { more: { ignores_approval: true, on_uncertain: "retry" } },
  ],
  "such a route, without a guard": [
    0,
    { profile: { ...mail, guard: "off" }, more: { ignores_approval: true } },
  ],
  "OpenAI's shell": [1, { profile: { model, tools: [shell] } }],
  "a harmless shell": [0, { profile: { model, tools: [shell], side_effects: { shell: "none" } } }],
  "the caller's yes": [1, { input: [yes] }],
  "the caller's yes, which a call has used": [0, { input: [yes, used] }],
  "a second yes with the id of a used one": [1, { input: [yes, used, yes] }],
};

for (const [what, [rows, { profile = mail, input, more }]] of Object.entries(cases)) {
  Deno.test(`with ${what}, a request ${rows === 0 ? "needs no row" : "is a row"}`, async () => {
    const ask = { profile: "default", input: input ?? "hi", request: null };
    const plan = await planFor(defineProfiles({ default: profile }), ask);
    const stop = new RunStop();
    const stepWriter = new StepWriter(job, stop);
    const requests = new UnguardedRequests({ work: { ...job, ...more }, plan, stop, stepWriter });
    assert.equal(requests.begin().length, rows);
  });
}

Deno.test("each request has a row of its own, and one is written from the first call without a yes", async () => {
  const ask = { profile: "default", input: "hi", request: null };
  const plan = await planFor(defineProfiles({ default: mail }), ask);
  const stop = new RunStop();
  const requests = new UnguardedRequests({
    work: job,
    plan,
    stop,
    stepWriter: new StepWriter(job, stop),
  });
  assert.deepEqual(requests.begin(), []);
  requests.notice();
  const ids = [requests.begin(), requests.begin()].flat().map(({ item_id }) => item_id);
  assert.deepEqual(ids, ["unguarded_run_1", "unguarded_run_2"]);
});
