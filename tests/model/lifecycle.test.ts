/**
 * The state machine in SQL against the reference model (model.ts): the same events in random orders, compared after each one.
 * It is seeded, so that a failure can be reproduced. fast-check shrinks it to the shortest sequence of events that fails.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import postgres from "postgres";
import { z } from "zod";
import { askStep, callStep, fenced, stepsOf } from "../support/ledger.ts";
import { isLong } from "../support/long.ts";
import { type Machine, someError } from "../support/machine.ts";
import { sqlTest } from "../support/sql-test.ts";
import { events, isFinal, type Job, maxAttempts } from "./model.ts";

const seeds = isLong ? Array.from({ length: 20 }, (_, seed) => seed) : [20261123];
const sequences = 50;
const theWorker = "worker-1";
const approvalMs = 60_000;
const leaseMs = 30_000;

type EventName = keyof typeof events | "renew" | "late";
interface Event {
  name: EventName;
  outcome: "happened" | "did_not_happen" | "cancel";
}

// Events that advance a job are more frequent than those that end it, so that most runs go far.
const weights: Record<EventName, number> = {
  claim: 6,
  begin: 6,
  finish: 4,
  retryLater: 3,
  loseLease: 3,
  release: 3,
  resolve: 5,
  park: 3,
  approve: 5,
  renew: 2,
  late: 3,
  record: 1,
  fallBack: 2,
  complete: 1,
  fail: 1,
  cancel: 1,
  expire: 1,
};
const anEvent: fc.Arbitrary<Event> = fc.record({
  name: fc.oneof(
    ...Object.entries(weights).map(([name, weight]) => ({
      arbitrary: fc.constant(name as EventName),
      weight,
    })),
  ),
  outcome: fc.constantFrom("happened", "did_not_happen", "cancel"),
});
const aLife = fc.record({
  background: fc.boolean(),
  onUncertain: fc.constantFrom("review", "retry"),
  events: fc.array(anEvent, { minLength: 10, maxLength: 40 }),
});

/** One job, in the database and in the model. */
interface Pair {
  machine: Machine;
  id: string;
  model: Job;
  /** How many calls were started, and how often a person said that one had not happened. */
  begun: number;
  denied: number;
}

for (const seed of seeds) {
  sqlTest(`random lives of a job go as the model says, seed ${seed}`, async (machine) => {
    await fc.assert(
      fc.asyncProperty(aLife, async (life) => {
        const pair = await birth(machine, life);
        try {
          for (const event of life.events) await step(pair, event);
        } finally {
          // The claims of the next life must not find it.
          if (!isFinal(pair.model)) {
            await machine.call("cancel_response_job", { p_job_id: pair.id, p_as_service: true });
          }
        }
      }),
      { seed, numRuns: sequences, interruptAfterTimeLimit: 20_000 },
    );
  });
}

async function birth(
  machine: Machine,
  { background, onUncertain }: { background: boolean; onUncertain: "review" | "retry" },
): Promise<Pair> {
  const { id } = await machine.submit({
    mode: background ? "background" : "synchronous",
    on_uncertain: onUncertain,
    max_attempts: maxAttempts,
    backoff_base_ms: 1,
    backoff_cap_ms: 1,
    approval_ms: approvalMs,
    deadline_ms: 365 * 86_400_000,
    // Each has its own route, so that what a route learns does not affect the next.
    route: crypto.randomUUID(),
  });
  const model: Job = {
    status: background ? "background" : "queued",
    attempt: background ? 1 : 0,
    failures: 0,
    stalledLives: 0,
    responseId: false,
    calls: [],
    onUncertain,
  };
  return { machine, id, model, begun: 0, denied: 0 };
}

async function step(pair: Pair, event: Event): Promise<void> {
  const { machine, model } = pair;
  if (passedOver(pair, event)) return;
  const before = await machine.row(pair.id);
  const allowed = apply(pair, event);
  const done = await send(pair, event);
  assert.equal(done, allowed, `${event.name} on a job that is ${before["status"]}`);
  const row = await machine.row(pair.id);
  if (!allowed) assert.deepEqual(row, before, "a refused event changes nothing");
  await compare(pair, row);
  if (model.onUncertain === "review") {
    assert.ok(pair.begun <= 1 + pair.denied, "a call is not made again without a person's word");
  }
}

/** True for an event that a worker would not cause, or that makes no sense in this state. */
function passedOver({ model }: Pair, { name }: Event): boolean {
  switch (name) {
    case "begin":
      // A run that knows about the call does not make it again. For late reports, see tests/sql/steps/save.test.ts.
      return model.status !== "running" || model.calls.some(({ status }) => status === "finished");
    case "finish":
    case "loseLease":
    case "renew":
      return model.status !== "running";
    case "expire":
      return model.status !== "awaiting_approval";
    case "late":
      return model.attempt < 2;
    default:
      return false;
  }
}

function apply(pair: Pair, { name, outcome }: Event): boolean {
  const { model } = pair;
  switch (name) {
    case "renew":
      return true;
    case "late":
      return false;
    case "begin": {
      const known = model.calls.length;
      const allowed = events.begin(model);
      pair.begun += model.calls.length - known;
      return allowed;
    }
    case "resolve": {
      const allowed = events.resolve(model, outcome);
      if (allowed && outcome === "did_not_happen") pair.denied++;
      return allowed;
    }
    default:
      return events[name](model);
  }
}

const refusals = ["DR409", "DR410"];

/** Sends the event to the database. False if it was refused. */
async function send(pair: Pair, event: Event): Promise<boolean> {
  try {
    return await call(pair, event) !== false;
  } catch (error) {
    if (error instanceof postgres.PostgresError && refusals.includes(error.code)) return false;
    throw error;
  }
}

const claimed = z.object({ jobs: z.array(z.object({ id: z.uuid(), attempt: z.number() })) });

async function call({ machine, id, model }: Pair, { name, outcome }: Event): Promise<unknown> {
  const fence = fenced({ id, attempt: model.attempt });
  const person = { p_job_id: id, p_as_service: true };
  const claim = async (limit: number) =>
    claimed.parse(
      await machine.call("claim_response_work", {
        p_worker: theWorker,
        p_limit: limit,
        p_lease_ms: leaseMs,
      }),
    ).jobs;
  switch (name) {
    case "record":
      return await machine.call("record_background_response", {
        ...fence,
        p_response_id: `resp_${id}`,
      });
    case "fallBack":
      return await machine.call("fall_back_response_job", { ...fence, p_error: someError });
    case "claim":
      machine.clock.advance(10);
      return (await claim(1)).length > 0;
    case "begin":
      return await machine.call("save_response_steps", {
        ...fence,
        p_steps: [callStep("started")],
      });
    case "finish":
      return await machine.call("save_response_steps", {
        ...fence,
        // A worker would not report the end of a call that never started.
        p_steps: model.calls.some(({ attempt }) => attempt === model.attempt)
          ? [callStep("finished")]
          : [],
      });
    case "complete":
      return await machine.complete({ id, attempt: model.attempt });
    case "fail":
      return await machine.fail({ id, attempt: model.attempt });
    case "retryLater":
      return await machine.call("retry_response_later", { ...fence, p_error: someError });
    case "loseLease":
      machine.clock.advance(leaseMs);
      return await claim(0);
    case "renew":
      machine.clock.advance(leaseMs - 1);
      return await machine.call("renew_response_leases", {
        p_worker: theWorker,
        p_jobs: [{ id, attempt: model.attempt }],
        p_lease_ms: leaseMs,
      });
    case "release":
      return await machine.call("release_response_jobs", {
        p_worker: theWorker,
        p_jobs: [{ id, attempt: model.attempt, full_life: true }],
      }) === 1;
    case "park":
      return await machine.call("suspend_response_job", {
        ...fence,
        p_response_id: "resp_1",
        p_steps: [askStep()],
      });
    case "approve":
      return await machine.call("answer_response_approval", { ...person, p_approve: true });
    case "expire":
      machine.clock.advance(approvalMs);
      return await claim(0);
    case "resolve":
      return await machine.call("resolve_response_job", { ...person, p_outcome: outcome });
    case "cancel":
      return await machine.call("cancel_response_job", person);
    case "late":
      return await machine.complete({ id, attempt: model.attempt - 1 });
  }
}

async function compare({ machine, id, model }: Pair, row: Record<string, unknown>): Promise<void> {
  const calls = (await stepsOf(machine, id)).filter(({ kind }) => kind === "mcp_call");
  assert.deepEqual(
    {
      status: row["status"],
      attempt: row["attempt"],
      failures: row["failures"],
      // Only as long as it matters: a final job has no wait row.
      stalledLives: row["stalled_lives"] ?? model.stalledLives,
      lease: row["leased_by"],
      calls: calls.map(({ attempt, status }) => ({ attempt, status })),
    },
    {
      status: model.status,
      attempt: model.attempt,
      failures: model.failures,
      stalledLives: model.stalledLives,
      lease: model.status === "running" ? theWorker : null,
      calls: model.calls,
    },
  );
  if (model.status === "background") assert.equal(row["response_id"] !== null, model.responseId);
  const attempts = await machine.attempts(id);
  const open = attempts.filter(({ outcome }) => outcome === null).length;
  const alive = model.status === "running" || model.status === "background";
  assert.equal(open, alive ? 1 : 0, "attempts under way");
  const results = attempts.filter(({ outcome }) => outcome === "completed").length;
  assert.equal(results, model.status === "completed" ? 1 : 0, "results");
}
