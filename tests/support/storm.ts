/**
 * Every action that locks more than one row, for many clients at once. If callers choose the order of the rows, it is tried in
 * both directions. There are so few jobs that clients compete for them.
 */
import { z } from "zod";
import type { Arguments } from "./function-call.ts";
import { askStep, callStep, held } from "./ledger.ts";
import { jobWork } from "./machine-shapes.ts";
import { someError, someOutput } from "./machine.ts";
import type { AttemptKey } from "../../supabase/functions/_durable_responses/model/job.ts";

/** How many jobs of each kind all clients work on at a time. */
const recentCount = 24;
const workerNames = ["worker-1", "worker-2", "worker-3"] as const;
const profileNames = ["default", "mail", "notes"];
/** In the owner's folder of the bucket `response_files`. They stay there, whatever happens to their rows. */
export const stormFiles = ["1.png", "2.png", "3.png", "4.png"];

type Kind = "held" | "background" | "asked" | "any";

/** What the storm knows about jobs, shared by all clients. Half of it is out of date at any time. */
export class KnownJobs {
  readonly #recent: Record<Kind, AttemptKey[]> = { held: [], background: [], asked: [], any: [] };

  constructor(readonly owner: string) {}

  add(kind: Kind, ...jobs: AttemptKey[]): void {
    for (const list of new Set([this.#recent[kind], this.#recent.any])) {
      list.push(...jobs);
      list.splice(0, list.length - recentCount);
    }
  }

  some(kind: Kind) {
    return eitherWay(this.#recent[kind]).map(held);
  }

  one(kind: Kind): AttemptKey {
    return pick(this.#recent[kind]) ?? { id: crypto.randomUUID(), attempt: 1 };
  }
}

type Call = (name: string, args?: Arguments) => Promise<unknown>;
export type StormAction = (call: Call, known: KnownJobs) => Promise<unknown>;

const chance = (share: number) => Math.random() < share;
const eitherWay = <T>(list: readonly T[]): T[] => chance(0.5) ? [...list] : list.toReversed();
export function pick<T>(list: readonly [T, ...T[]]): T;
export function pick<T>(list: readonly T[]): T | undefined;
export function pick<T>(list: readonly T[]): T | undefined {
  return list[Math.floor(Math.random() * list.length)];
}

const ids = z.array(z.object({ id: z.uuid() }));
const claimed = z.object({ jobs: z.array(jobWork) });
const accepted = z.object({ job: z.object({ id: z.uuid(), status: z.string() }) });
const started = z.object({ work: jobWork.nullable() });

/** Keys that all clients use at this moment. New ones appear all the time. */
function someKeys(): string[] {
  const first = Math.floor(performance.now() / 2);
  return Array.from({ length: 40 }, (_, n) => `news/${first + n}`);
}

/** The answer to the call that `handOut` hands out: a screenshot in Storage. */
function screenOf({ owner }: KnownJobs) {
  const storage = { bucket: "response_files", path: `${owner}/${pick(stormFiles)}` };
  return {
    call_id: "call_1",
    kind: "computer_call",
    output: JSON.stringify({ output: { type: "computer_screenshot", storage } }),
  };
}

/** Writes as an attempt. */
const attempts =
  (name: string, args: Arguments, kind: Kind = "held"): StormAction => async (call, known) => {
    const { id, attempt } = known.one(kind);
    return await call(name, { p_job_id: id, p_attempt: attempt, ...args });
  };

/** Acts as a person. */
const person =
  (name: string, args: Arguments = {}, kind: Kind = "any"): StormAction => (call, known) =>
    call(name, { p_job_id: known.one(kind).id, p_as_service: true, ...args });

/** Actions that lock many rows. */
export const bigActions: Record<string, StormAction> = {
  async submitMany(call, { owner }) {
    const jobs = eitherWay(someKeys()).map((key, n) => ({
      profile: profileNames[Number(key.at(-1)) % 3],
      input: key,
      idempotency_key: key,
      ...(n % 2 === 0 && { owner_id: owner }),
    }));
    return ids.parse(await call("submit_response_jobs", { p_jobs: jobs }));
  },
  async claim(call, known) {
    const { jobs } = claimed.parse(
      await call("claim_response_work", {
        p_worker: pick(workerNames),
        p_limit: 8,
        p_lease_ms: pick([50, 5000] as const),
        ...(chance(0.2) && { p_profiles: eitherWay(profileNames) }),
      }),
    );
    known.add("held", ...jobs);
  },
  renew: (call, known) =>
    call("renew_response_leases", {
      p_worker: pick(workerNames),
      p_jobs: known.some("held"),
      p_lease_ms: pick([50, 2000, 5000] as const),
    }),
  completeMany: (call, known) =>
    call("complete_response_jobs", {
      p_results: known.some("held").filter(() => chance(0.2)).map(({ id, attempt }) => ({
        job_id: id,
        attempt,
        response_id: "resp_1",
        output: someOutput,
        steps: [],
      })),
    }),
  release: (call, known) =>
    call("release_response_jobs", {
      p_worker: pick(workerNames),
      p_jobs: known.some("held").filter(() => chance(0.5)),
    }),
  appendEvents: (call, known) =>
    call("append_response_events", {
      p_batches: known.some("held").map(({ id, attempt }) => ({
        id,
        attempt,
        first: 2,
        next: 3,
        items: 1,
        open_from: null,
        events: "{}",
      })),
    }),
  async deleteOwner(call, known) {
    const owner = crypto.randomUUID();
    const jobs = profileNames.flatMap((profile) =>
      [1, 2, 3].map((n) => ({ profile, input: `${n}`, owner_id: owner }))
    );
    const made = ids.parse(await call("submit_response_jobs", { p_jobs: jobs }));
    // So that other clients cancel, claim and retry them meanwhile.
    known.add("any", ...made.map(({ id }) => ({ id, attempt: 1 })));
    await call("delete_response_owner", { p_owner_id: owner });
  },
  /** Submits jobs that share files, and deletes them. */
  async deleteFiles(call, known) {
    const { owner } = known;
    const paths = stormFiles.filter(() => chance(0.6)).map((name) => `${owner}/${name}`);
    await call("reserve_response_files", {
      p_files: eitherWay(paths).map((path) => ({ path, bytes: 2_000_000 })),
    });
    const content = eitherWay(paths).map((path) => ({
      type: "input_image",
      storage: { bucket: "response_files", path },
    }));
    const { job } = accepted.parse(
      await call("submit_response_job", {
        p_job: {
          profile: "default",
          owner_id: owner,
          input: [{ role: "user", content }],
          ...(chance(0.5) && { joins: true, request_hash: pick(["a", "b"] as const) }),
        },
      }),
    );
    known.add("any", { id: job.id, attempt: 0 });
    await call("cancel_response_job", { p_job_id: job.id, p_as_service: true });
    await call("delete_response_job", { p_job_id: job.id, p_as_service: true });
  },
  async removeFiles(call) {
    const paths = z.array(z.string());
    const claimed = paths.parse(await call("claim_unused_response_files", { p_limit: 3 }));
    await call("forget_response_files", { p_paths: claimed });
  },
  signOff: (call) => call("sign_off_response_worker", { p_worker: pick(workerNames) }),
  poll: (call) => call("claim_background_polls"),
  claimCancels: (call) => call("claim_pending_cancels"),
  register: (call) =>
    call("register_response_profiles", {
      p_names: eitherWay([...profileNames, ...(chance(0.5) ? ["a", "b"] : [])]),
    }),
};

/** Actions on one job. */
export const smallActions: Record<string, StormAction> = {
  async submit(call, known) {
    const { job } = accepted.parse(
      await call("submit_response_job", {
        p_job: {
          profile: "default",
          input: "hello",
          route: pick(["default", "mail", "r"]),
          owner_id: known.owner,
          backoff_base_ms: 1,
          backoff_cap_ms: 10,
          ...(chance(0.6)
            ? { mode: "background" }
            : chance(0.5)
            ? { idempotency_key: pick(someKeys()), request_hash: "h" }
            : { joins: true, request_hash: pick(someKeys()) }),
        },
      }),
    );
    if (job.status === "background") known.add("background", { id: job.id, attempt: 1 });
  },
  async start(call, known) {
    const { work } = started.parse(
      await call("start_response_job", {
        p_worker: pick(workerNames),
        p_lease_ms: pick([50, 5000] as const),
        p_job: {
          profile: "default",
          input: "hello",
          route: pick(["default", "mail", "r"]),
          owner_id: known.owner,
          stream: true,
          backoff_base_ms: 1,
          backoff_cap_ms: 10,
          ...(chance(0.3) && { idempotency_key: pick(someKeys()), request_hash: "h" }),
        },
      }),
    );
    if (work) known.add("held", work);
  },
  openStream: attempts("open_response_stream", {}),
  async ask(call, known) {
    const job = known.one("held");
    await call("suspend_response_job", {
      p_job_id: job.id,
      p_attempt: job.attempt,
      p_response_id: "resp_1",
      p_steps: [askStep("mcpr_1"), askStep("mcpr_2")],
    });
    known.add("asked", job);
  },
  async handOut(call, known) {
    const job = known.one("held");
    const item = { type: "computer_call", id: "cu_1", call_id: "call_1" };
    const step = {
      item_id: "cu_1",
      kind: item.type,
      status: "waiting",
      effect: "none",
      tool: "computer",
    };
    await call("suspend_response_job", {
      p_job_id: job.id,
      p_attempt: job.attempt,
      p_response_id: "resp_1",
      p_steps: [askStep("mcpr_1"), { ...step, run_by: "caller", arguments: "{}", item }],
    });
    known.add("asked", job);
  },
  showScreen: (call, known) =>
    person("answer_response_job", { p_answers: [screenOf(known)] }, "asked")(call, known),
  answerBoth: (call, known) =>
    person("answer_response_job", {
      p_answers: [screenOf(known), { approve: true, request_id: "mcpr_1" }],
    }, "asked")(call, known),
  async doubt(call, known) {
    const job = known.one("held");
    const fence = { p_job_id: job.id, p_attempt: job.attempt };
    await call("save_response_steps", { ...fence, p_steps: [callStep("started")] });
    await call("quarantine_response_job", { ...fence, p_error: someError });
    known.add("asked", job);
  },
  answerOne: person(
    "answer_response_approval",
    { p_approve: true, p_request_id: "mcpr_1" },
    "asked",
  ),
  answer: person("answer_response_approval", { p_approve: true }, "asked"),
  resolve: person("resolve_response_job", { p_outcome: "did_not_happen" }, "asked"),
  cancel: person("cancel_response_job"),
  retry: person("retry_response_job"),
  remove: person("delete_response_job"),
  watch: (call, known) => call("watch_response_job", { p_job_id: known.one("any").id }),
  complete: attempts("complete_response_job", { p_response_id: "r", p_output: someOutput }),
  fail: attempts("fail_response_job", { p_error: someError }),
  retryLater: attempts("retry_response_later", {
    p_error: { code: "openai_rate_limited", message: "Cannot answer" },
    p_retry_after_ms: 1,
  }),
  saveSteps: attempts("save_response_steps", {
    p_steps: [callStep("started", { effect: "none" })],
  }),
  warn: attempts("warn_response_attempt", { p_warning: "odd" }),
  takeAnswer: (call, known) =>
    call("take_response_answer", { p_job_id: known.one("any").id, p_owner_id: known.owner }),
  continueRun: attempts(
    "continue_response_job",
    {
      p_response_id: "resp_1",
      p_steps: [askStep("mcpr_3")],
      p_answers: { mcpr_3: { approve: true } },
    },
    "background",
  ),
  async continueInPlace(call, known) {
    const job = known.one("background");
    const { work } = started.parse(
      await call("continue_response_job_in_place", {
        p_job_id: job.id,
        p_attempt: job.attempt,
        p_response_id: "resp_1",
        p_steps: [askStep("mcpr_3")],
        p_answers: { mcpr_3: { approve: true } },
        p_usage: null,
        p_worker: pick(workerNames),
        p_lease_ms: pick([50, 5000] as const),
      }),
    );
    if (work) known.add("held", work);
  },
  continueThere: (call, known) =>
    attempts("continue_in_background", { p_response_id: `r_${crypto.randomUUID()}` })(call, known),
  sendsThere: attempts("save_response_steps", {
    p_steps: [callStep("started")],
    p_announced: true,
    p_continuing: true,
  }),
  refusedThere: attempts("record_background_failure", { p_error: someError }),
  withdrawnThere: attempts("withdraw_continuation", { p_steps: [callStep("void")] }),
  ignoredApproval: attempts("record_ignored_approval", { p_detail: "a call without its yes" }),
  adopt: (call, known) =>
    attempts(
      "adopt_background_response",
      { p_response_id: `r_${crypto.randomUUID()}` },
      "background",
    )(call, known),
  settleFailure: attempts(
    "record_settle_failure",
    { p_error: "it cannot be read", p_after_ms: 1 },
    "background",
  ),
  record: (call, known) =>
    attempts(
      "record_background_response",
      { p_response_id: `r_${crypto.randomUUID()}` },
      "background",
    )(
      call,
      known,
    ),
  fallBack: attempts("fall_back_response_job", { p_error: someError }, "background"),
  finishThere: attempts(
    "complete_response_job",
    { p_response_id: "r", p_output: someOutput },
    "background",
  ),
  confirmCancel: attempts("confirm_upstream_cancel", {}, "background"),
};
