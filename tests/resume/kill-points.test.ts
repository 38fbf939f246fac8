/**
 * Every point of a job's life at which a worker can die, one after the other: just before a call to the database or to OpenAI
 * is sent, just after it has taken effect and before its answer arrives, and just before and after each kind of event of a
 * run. There, the function's process is killed with SIGKILL. Afterwards the job ends, or waits for a person, with at most one
 * result, no email sent twice, and no lease left. If the person answers truthfully, it ends with exactly one email.
 */
import { findEmail, replyToEmail } from "../../packages/dev/mcp/mailbox.ts";
import assert from "node:assert/strict";
import type { Fault } from "../../packages/dev/openai/mod.ts";
import { eventually } from "../support/eventually.ts";
import type { Passing, Point } from "../support/gates.ts";
import { expireAllLeases, passForBackground, replaceInput } from "../support/job-state.ts";
import { killPointTest } from "../support/kill-points.ts";
import { readJob } from "../support/jobs.ts";
import { type Bench, benchForFile, invoiceQuery, mailCounts, recovers } from "./support/bench.ts";

const theBench = benchForFile();

interface Case {
  profile: string;
  /** Before it replies, the model thinks so long that nothing can come after the point. The next run does not. */
  thinks?: boolean;
  /** Nothing has been sent when the point is reached, because it comes before anything that could send. */
  unsent?: boolean;
  /** Its webhooks are lost: the worker that polls it sends the yes. */
  polled?: boolean;
  /** The caller waits for it, so the function that answers runs it. */
  inPlace?: boolean;
  /** Whose process is killed. */
  victim: "respond" | "openai-webhook" | "run-jobs";
  faults?: Fault[];
  /** What happens at the mailbox first. */
  prepare?: (bench: Bench) => void;
  /** How the job may end. Default: completed. */
  ends?: string[];
}

const reply = "gmail_reply_to_email";
const sync: Case = { profile: "sync", victim: "run-jobs" };
const searching: Case = { ...sync, thinks: true };
const thinking = `${invoiceQuery} [[plan: ${findEmail("invoice")}; reason; sleep 60000ms; ${
  replyToEmail("It is paid.")
}]]`;
const accepted: Case = { profile: "background", victim: "respond" };
const works: Fault[] = [{ kind: "background-works" }];
const late: Fault[] = [{ kind: "fails-after-tools" }];

/** The mailbox must not have been called when the worker dies. */
const unsent: Case = { ...sync, unsent: true };

const isRequest = (passing: Passing) => "path" in passing;
const at = (phase: Passing["phase"], match: (passing: Passing) => boolean): Point => (passing) =>
  passing.phase === phase && match(passing);
/** A call of a database function. */
const rpc = (name: string, includes = "") => (passing: Passing) =>
  isRequest(passing) && passing.path.endsWith(`/rpc/${name}`) && passing.body.includes(includes);
/** A request to OpenAI. */
const openai = (method: string, path: RegExp) => (passing: Passing) =>
  isRequest(passing) && passing.method === method && path.test(passing.path);
/** The request with the yes to a call. */
const answers = (passing: Passing) =>
  openai("POST", /responses$/)(passing) && isRequest(passing) &&
  passing.body.includes("mcp_approval_response");
/** The save of a tool's call with this status. */
const saves = (tool: string, status: string, test: RegExp = /./) => (passing: Passing) =>
  isRequest(passing) && passing.path.endsWith("/rpc/save_response_steps") &&
  JSON.parse(passing.body).p_steps.some((step: Record<string, unknown>) =>
    step["tool"] === tool && step["status"] === status && test.test(JSON.stringify(step))
  );
const event = (type: string, includes = "") => (passing: Passing) =>
  "event" in passing && passing.event === type && passing.data.includes(includes);

/** Kills just before the call goes out, and just after it took effect. */
function aroundCall(what: string, options: Case, match: (passing: Passing) => boolean): void {
  killAt(`before ${what}`, options, at("request", match));
  killAt(`after ${what}`, options, at("answer", match));
}

/** Kills just before an event reaches the worker, and just after. */
function aroundEvent(what: string, options: Case, match: (passing: Passing) => boolean): void {
  killAt(`before the event ${what}`, options, at("event", match));
  killAt(`after the event ${what}`, options, at("passed", match));
}

function killAt(what: string, options: Case, point: Point): void {
  const { inPlace = false } = options;
  const runner = inPlace || options.victim === "run-jobs";
  killPointTest(`${options.victim} killed ${what}${inPlace ? ", in place" : ""}`, async () => {
    const bench = theBench();
    const { stack, gates, sql, post } = bench;
    await bench.clear();
    bench.openai.faults.set(options.faults ?? []);
    // Long enough that a call's start and end are saved in two writes.
    stack.mailbox.setDelay(reply, 80);
    options.prepare?.(bench);
    const caught = gates.stopAt(point, { cutStreams: runner });
    const key = crypto.randomUUID();
    const query = options.thinks ? thinking : invoiceQuery;
    const ask = (more = {}) =>
      post("", { profile: options.profile, query, ...more }, { "idempotency-key": key });
    // The victim may be the function that answers. Then the caller asks again, as callers do.
    const first = ask(inPlace ? { wait: 60 } : {}).catch(() => undefined);
    await (options.polled
      ? polledUntil(bench, ask().then(({ id }) => id), caught)
      : reached(caught));
    if (options.unsent) assert.equal(mailCounts(bench).replies, 0, "calls before the point");
    const killed = await bench.kill(options.victim);
    if (inPlace) {
      await expireAllLeases(sql);
      gates.hangUp();
    }
    gates.open();
    assert.equal(killed.length > 0, true, "somebody was killed");
    await first;
    const { id } = await ask();
    if (options.thinks) {
      await replaceInput(sql, id, query.replace("60000ms", "1ms"));
    }
    const row = await recovers(bench, id);
    assert.deepEqual(
      [(options.ends ?? ["completed"]).includes(row.status), row.status],
      [true, row.status],
    );
    if (row.status === "completed") assert.equal(mailCounts(bench).sent, 1, "emails");
    assert.equal((await readJob(sql, id)).status, row.status, "a final job stays as it is");
  });
}

/** Lets time pass for a job, and wakes a worker that polls it, until the point is reached. */
async function polledUntil(
  { sql, wake }: Bench,
  submitted: Promise<string>,
  caught: Promise<void>,
): Promise<void> {
  const id = await submitted;
  let isCaught = false;
  void caught.then(() => isCaught = true);
  await eventually("the point at which to kill", async () => {
    if (isCaught) return true;
    await passForBackground(sql, id, 31_000);
    await wake();
    return false;
  }, { everyMs: 200 });
}

async function reached(caught: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("Cannot kill: the point was not reached")), 8_000);
  });
  await Promise.race([caught, late]).finally(() => clearTimeout(timer));
}

// Accepting
aroundCall("the row is written", accepted, rpc("submit_response_job"));
aroundCall(
  "OpenAI has the background request",
  { ...accepted, faults: works },
  openai("POST", /responses$/),
);
aroundCall(
  "the response id is recorded",
  { ...accepted, faults: works },
  rpc("record_background_response"),
);
aroundCall(
  "background is left at once",
  { ...accepted, profile: "unsupported", faults: [{ kind: "background-unsupported" }] },
  rpc("fall_back_response_job"),
);

// In the function that answers
const inPlace: Case = { profile: "sync", victim: "respond", inPlace: true };
aroundCall("the row is written with its lease", inPlace, rpc("start_response_job"));
aroundCall("OpenAI has the request", inPlace, openai("POST", /responses$/));
aroundCall(
  "the reply is saved as begun",
  { ...inPlace, unsent: true },
  saves(reply, "started"),
);
aroundEvent(
  `response.output_item.done of ${reply}`,
  inPlace,
  event("response.output_item.done", reply),
);
aroundEvent("response.output_text.delta", inPlace, event("response.output_text.delta"));
aroundCall("the result is written", inPlace, rpc("complete_response_jobs"));

// Settling a background response
const hears: Case = { profile: "background", victim: "openai-webhook" };
aroundCall(
  "the webhook has found its job",
  { ...hears, faults: works },
  rpc("claim_background_job"),
);
aroundCall("the response is read", { ...hears, faults: works }, openai("GET", /responses\//));
aroundCall(
  "a background result is written",
  { ...hears, faults: works },
  rpc("complete_response_job"),
);
aroundCall("background is left", hears, rpc("fall_back_response_job"));
aroundCall(
  "background is left with what it did",
  { ...hears, faults: late },
  rpc("fall_back_response_job"),
);

// A run that asks in background, and continues there
const stillRunning: Case = { ...hears, faults: works };
const beforeYes: Case = { ...stillRunning, unsent: true };
aroundCall(
  "its answers are kept, with a lease",
  beforeYes,
  rpc("continue_response_job_in_place"),
);
aroundCall("the reply is saved as begun, in background", beforeYes, saves(reply, "started"));
killAt("before OpenAI has the yes, in background", beforeYes, at("request", answers));
killAt("after OpenAI has the yes, in background", stillRunning, at("answer", answers));
aroundCall("the response that goes on is recorded", stillRunning, rpc("continue_in_background"));
const polled: Case = {
  ...stillRunning,
  victim: "run-jobs",
  polled: true,
  prepare: ({ openai }) => openai.webhooks.faults.set([{ kind: "lose" }]),
};
aroundCall(
  "the answers of a polled job are kept, with a lease",
  polled,
  rpc("continue_response_job_in_place"),
);
aroundCall("OpenAI has the yes of a polled job", polled, answers);

// A run
aroundCall("the job is claimed", sync, rpc("claim_response_work"));
aroundCall("OpenAI has the request", sync, openai("POST", /responses$/));
const list = "mcp_list_tools";
for (
  const [type, includes] of [
    ["response.created"],
    ["response.output_item.added", list],
    ["response.mcp_list_tools.completed"],
    ["response.output_item.done", list],
    ["response.output_item.added", "gmail_find_email"],
    ["response.output_item.done", "gmail_find_email"],
    ["response.output_item.added", '"reasoning"'],
    ["response.output_item.done", '"reasoning"'],
  ] as const
) {
  aroundEvent(includes ? `${type} of ${includes}` : type, searching, event(type, includes));
}
for (
  const [type, includes] of [
    ["response.output_item.added", "mcp_approval_request"],
    ["response.output_item.done", "mcp_approval_request"],
    ["response.output_item.added", '"mcp_call"'],
    ["response.mcp_call_arguments.done", "body"],
    ["response.output_item.done", reply],
    ["response.output_item.added", '"message"'],
    ["response.output_text.delta"],
    ["response.output_item.done", '"message"'],
    ["response.completed"],
  ] as const
) {
  aroundEvent(includes ? `${type} of ${includes}` : type, sync, event(type, includes));
}
aroundCall("the search is saved as begun", searching, saves("gmail_find_email", "started"));
aroundCall("the search is saved", searching, saves("gmail_find_email", "finished"));
aroundCall("the reply is saved as begun", unsent, saves(reply, "started"));
aroundCall("OpenAI has the yes to the reply", sync, answers);
aroundCall("the reply is saved", sync, saves(reply, "finished"));
aroundCall("the result is written", sync, rpc("complete_response_jobs"));
aroundCall("the worker signs off", sync, rpc("sign_off_response_worker"));

// Other ways for a run to end
aroundCall(
  "a failure that may pass is written",
  { ...sync, faults: [{ kind: "cut-mid-stream", afterEvents: 3, times: 1 }] },
  rpc("retry_response_later"),
);
aroundCall(
  "a failure for good is written",
  { ...sync, faults: [{ kind: "http-error", status: 401, message: "no" }], ends: ["failed"] },
  rpc("fail_response_job"),
);
aroundCall(
  "a quarantine is written",
  {
    ...sync,
    prepare: ({ stack }) => stack.mailbox.fail({ tool: reply, when: "die" }),
  },
  rpc("quarantine_response_job"),
);
aroundCall(
  "the job waits for an approval",
  { ...sync, profile: "asking" },
  rpc("suspend_response_job"),
);
