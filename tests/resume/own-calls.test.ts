/**
 * Every point at which a worker can die around a call of ours: at each write, at each request to OpenAI, and while the tool
 * works. Afterwards, a `once` call was made once (a person answers truthfully if nobody else can know), an `idempotent` call
 * always had the same key, and a SQL tool has left exactly one row, and nobody was asked.
 */
import assert from "node:assert/strict";
import type { Fault } from "../../packages/dev/openai/mod.ts";
import { passForBackground } from "../support/job-state.ts";
import type { Passing, Point } from "../support/gates.ts";
import { isFinal, type JobRow } from "../support/jobs.ts";
import { killPointTest } from "../support/kill-points.ts";
import { makeTables } from "../tools/support/tables.ts";
import { toolProfiles } from "../tools/support/tools-stack.ts";
import { type Bench, benchForFile, isSettled } from "./support/bench.ts";

const theBench = benchForFile({ profiles: toolProfiles });
let tables: Promise<void> | undefined;

interface Case {
  profile: "direct" | "background";
  call: "send" | "put" | "add_order";
  victim: "openai-webhook" | "run-jobs";
}

const works: Fault[] = [{ kind: "background-works" }];
const plans = {
  send: '[[plan: reason; call send {"body":"x"}]]',
  put: '[[plan: reason; call put {"body":"x"}]]',
  add_order: '[[plan: reason; call add_order {"item":"x"}]]',
} as const;

const isRequest = (passing: Passing) => "path" in passing;
const rpc = (name: string, test = /./) => (passing: Passing) =>
  isRequest(passing) && passing.path.endsWith(`/rpc/${name}`) && test.test(passing.body);
const saves = (tool: string, status: string) => (passing: Passing) =>
  isRequest(passing) && passing.path.endsWith("/rpc/save_response_steps") &&
  JSON.parse(passing.body).p_steps.some((step: Record<string, unknown>) =>
    step["tool"] === tool && step["status"] === status
  );
const acts = (passing: Passing) => isRequest(passing) && /\/rest\/v1\/notes/.test(passing.path);
const tellsOpenAI = (passing: Passing) =>
  isRequest(passing) && passing.method === "POST" && /responses$/.test(passing.path) &&
  passing.body.includes("function_call_output");
const event = (type: string, includes: string) => (passing: Passing) =>
  "event" in passing && passing.event === type && passing.data.includes(includes);

function aroundCall(what: string, options: Case, match: (passing: Passing) => boolean): void {
  for (const [when, phase] of [["before", "request"], ["after", "answer"]] as const) {
    killAt(`${when} ${what}`, options, (passing) => passing.phase === phase && match(passing));
  }
}

function killAt(what: string, options: Case, point: Point): void {
  const { profile, call, victim } = options;
  killPointTest(`${profile} ${call}: ${victim} killed ${what}`, async () => {
    const bench = theBench();
    const { stack, gates, sql, openai, post } = bench;
    await (tables ??= makeTables(sql));
    await bench.clear();
    await sql`truncate public.notes, public.orders`;
    openai.faults.set(works);
    const { id: owner, token } = await stack.createUser();
    const caught = gates.stopAt(point, { cutStreams: victim === "run-jobs" });
    const asked = post("", { profile, query: plans[call] }, {
      apikey: stack.publishableKey,
      authorization: `Bearer ${token}`,
    });
    await reached(caught);
    assert.ok((await bench.kill(victim)).length > 0, "somebody was killed");
    gates.open();
    const { id } = await asked;
    const row = await recovers(bench, id, call);
    assert.equal(row.status, "completed", row.error_message ?? "");
    if (call === "add_order") {
      const orders = await sql`select owner_id from public.orders`;
      assert.deepEqual(orders.map(({ owner_id }) => owner_id), [owner]);
    } else {
      const keys = (await sql`select key from public.notes`).map(({ key }) => String(key));
      assert.equal(call === "send" ? keys.length : new Set(keys).size, 1, `${keys}`);
    }
    const finished = await sql`
      select tool from public.response_steps
      where job_id = ${id} and kind = 'function_call' and status = 'finished'`;
    assert.deepEqual(finished.map(({ tool }) => tool), [call], "calls recorded as finished");
  });
}

async function reached(caught: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("Cannot kill: the point was not reached")), 15_000);
  });
  await Promise.race([caught, late]).finally(() => clearTimeout(timer));
}

/** Waits until the job is final. If a person is asked, they look and answer truthfully. For a SQL tool, nobody is asked. */
async function recovers(bench: Bench, id: string, call: Case["call"]): Promise<JobRow> {
  const { sql, post, settled } = bench;
  for (let asked = 0;; asked++) {
    const row = await settled(id, async (row) => {
      if (row.status === "background") await passForBackground(sql, id, 31_000);
      return isSettled(row);
    });
    if (isFinal(row)) return row;
    assert.equal(`${call} ${row.status}`, "send needs_review");
    assert.ok(asked < 2, "the job keeps asking");
    const [note] = await sql`select from public.notes limit 1`;
    await post(`/${id}/resolve`, { outcome: note ? "happened" : "did_not_happen" });
  }
}

for (const call of ["send", "put", "add_order"] as const) {
  const direct: Case = { profile: "direct", call, victim: "run-jobs" };
  const background: Case = { profile: "background", call, victim: "run-jobs" };
  killAt(
    "at the event of the call",
    direct,
    (passing) =>
      passing.phase === "passed" && event("response.output_item.done", '"function_call"')(passing),
  );
  killAt(
    "at the end of the response that asks",
    direct,
    (passing) =>
      passing.phase === "passed" && event("response.completed", '"function_call"')(passing),
  );
  for (const options of [direct, background]) {
    if (call === "add_order") {
      aroundCall("the call and its row", options, rpc("run_sql_tool"));
    } else {
      aroundCall("the call is saved as begun", options, saves(call, "started"));
      aroundCall("the tool acts", options, acts);
      aroundCall("the call is saved as finished", options, saves(call, "finished"));
    }
    aroundCall("OpenAI has the output", options, tellsOpenAI);
  }
  aroundCall(
    "the calls are kept for a worker",
    { ...background, victim: "openai-webhook" },
    rpc("continue_response_job"),
  );
  aroundCall("the run goes on in background", background, rpc("continue_in_background"));
  aroundCall("the result is written", direct, rpc("complete_response_jobs"));
}
