/** A check must be able to fail: each claim of chaos's verdict is broken once, and only that one is counted. */
import assert from "node:assert/strict";
import { type JobRow, judge, mustBeZero, type Sent } from "../../bench/chaos/verdict.ts";
import { type HeldJob, reasonOf } from "../../bench/chaos/held.ts";
import { newWish, type Wish } from "../../bench/chaos/wish.ts";

const well: JobRow = {
  id: "a",
  profile: "mail",
  status: "completed",
  leased_until: null,
  error_code: null,
  error_hint: null,
  review_reason: null,
  completed_attempts: 1,
  open_attempts: 0,
  may_be_answered: false,
  troubled_steps: 0,
};
const failed: JobRow = {
  ...well,
  status: "failed",
  completed_attempts: 0,
  error_code: "deadline_exceeded",
  error_hint: "Ask again",
};
const wish = newWish({ ids: ["a"], mark: "mark-1-77.", sends: true });
const once = [{ body: "reply mark-1-77." }];

interface World {
  wish?: Partial<Wish>;
  jobs?: JobRow[];
  sent?: Sent;
}

function wrongIn({ wish: changed, jobs = [well], sent = once }: World): string[] {
  const verdict = judge([{ ...wish, ...changed }], jobs, sent);
  return mustBeZero.filter((name) => verdict[name] !== 0);
}

const fine: Record<string, World> = {
  "an email was sent, and the job knows": {},
  "the tool failed, nothing was sent, and the job says so": {
    jobs: [{ ...well, troubled_steps: 1 }],
    sent: [],
  },
  "it failed with a reason before it sent": { jobs: [failed], sent: [] },
  "it waits for a review": {
    jobs: [{ ...failed, status: "needs_review", error_code: null, review_reason: "in flight" }],
  },
  "somebody cancelled it": {
    wish: { cancelled: true },
    jobs: [{ ...failed, status: "cancelled", error_code: null }],
    sent: [],
  },
  "nobody allowed it, and nothing was sent": { wish: { approval: "withheld" }, sent: [] },
  "its owner was deleted": { wish: { deleted: true }, jobs: [], sent: [] },
  "a retry did the rest": {
    wish: { ids: ["a", "b"] },
    jobs: [failed, { ...well, id: "b" }],
  },
};
for (const [what, world] of Object.entries(fine)) {
  Deno.test(`nothing is counted when ${what}`, () => assert.deepEqual(wrongIn(world), []));
}

const planted: Record<typeof mustBeZero[number], World[]> = {
  sql_tools_in_doubt: [{
    jobs: [{
      ...failed,
      profile: "notes-sql",
      status: "needs_review",
      error_code: null,
      review_reason: "in flight",
    }],
  }],
  lost: [
    { jobs: [], sent: [] },
    { jobs: [{ ...failed, status: "queued" }], sent: [] },
    { wish: { ids: ["a", "b"] }, jobs: [failed], sent: [] },
  ],
  duplicate_side_effects: [
    { sent: [...once, ...once] },
    { wish: { ids: ["a", "b"] }, jobs: [failed, { ...well, id: "b" }], sent: [...once, ...once] },
  ],
  lost_side_effects: [
    { sent: [] },
    { wish: { approval: "given" }, sent: [] },
    { sent: [{ body: "reply mark-1-771." }] },
  ],
  unwanted_side_effects: [
    { wish: { sends: false } },
    { wish: { approval: "withheld" } },
  ],
  stuck_leases: [{ jobs: [{ ...well, leased_until: new Date() }] }],
  double_results: [
    { jobs: [{ ...well, completed_attempts: 2 }] },
    { jobs: [{ ...failed, completed_attempts: 1 }] },
  ],
  unexplained: [
    { jobs: [{ ...failed, error_hint: null }] },
    { jobs: [{ ...failed, error_code: "worker_error" }] },
    { jobs: [{ ...failed, status: "needs_review" }] },
    { jobs: [{ ...well, open_attempts: 1 }] },
    { jobs: [{ ...failed, status: "cancelled" }] },
  ],
};
for (const name of mustBeZero) {
  for (const [number, world] of planted[name].entries()) {
    Deno.test(`${name} is counted, ${number + 1}`, () => assert.deepEqual(wrongIn(world), [name]));
  }
}

const heldJob: HeldJob = {
  profile: "mail",
  own: false,
  mode: "synchronous",
  code: "worker_lost",
  code_before: null,
  in_place_before: false,
  review_reason: "The call of send at mailbox was in flight when attempt 1 ended",
};

for (
  const [expected, job] of [
    [/killed while OpenAI made the call/, {}],
    [/killed during a call of ours/, { own: true }],
    [/worker was killed as it handed the yes over/, {
      mode: "background",
      code: "background_unrecorded",
      code_before: "worker_lost",
    }],
    [/function was killed as it handed the yes over/, {
      mode: "background",
      code: "background_unrecorded",
      code_before: "worker_lost",
      in_place_before: true,
    }],
    [/no readable answer/, { mode: "background", code: "background_unrecorded" }],
    [/did not end in its budget/, { mode: "background", code: "background_stuck" }],
    [/stream was cut/, { code: "stream_cut" }],
    [/time was up/, { code: null }],
    [/late report/, {
      review_reason: "Attempt 1 reported late that it had called send at mailbox",
    }],
  ] satisfies [RegExp, Partial<HeldJob>][]
) {
  Deno.test(`a held job says why: ${expected.source}`, () => {
    assert.match(reasonOf({ ...heldJob, ...job }), expected);
  });
}
