/**
 * Workers killed around a response that asks for several calls: equal ones, of every kind, some that a person or the caller is
 * asked about. People answer truthfully. Afterwards each call was made once, with the key that it always had, and the ledger
 * has as many finished calls as there are effects.
 */
import assert from "node:assert/strict";
import { findEmail, replyToEmail } from "../../packages/dev/mcp/mailbox.ts";
import { sha256 } from "../../supabase/functions/_durable_responses/platform/digest.ts";
import type { Passing, Point } from "../support/gates.ts";
import { passForBackground } from "../support/job-state.ts";
import { isFinal, type JobRow } from "../support/jobs.ts";
import { killPointTest } from "../support/kill-points.ts";
import { makeTables } from "../tools/support/tables.ts";
import { toolProfiles } from "../tools/support/tools-stack.ts";
import { type Bench, benchForFile, isSettled, mailCounts } from "./support/bench.ts";

const theBench = benchForFile({ profiles: toolProfiles });
let tables: Promise<void> | undefined;

const send = 'call send {"body":"x"}';
const refund = 'call refund {"amount":80}';
const put = 'call put {"body":"x"}';
const order = 'call add_order {"item":"x"}';
const open = 'call open_door {"door":"1"}';
const reply = replyToEmail("It is paid.");

interface Case {
  profile: string;
  /** The calls of one response. */
  calls: string[];
  /** Notes that they make, by tool. */
  notes: Record<string, number>;
  orders: number;
  mails: number;
}

const ofOurs = {
  calls: [send, send, refund, refund, put, put, order, order],
  notes: { put: 2, refund: 2, send: 2 },
  orders: 2,
  mails: 0,
};
const ofAll = {
  calls: [refund, open, reply],
  notes: { refund: 1 },
  orders: 0,
  mails: 1,
};
const cases: Case[] = [
  { ...ofOurs, profile: "direct" },
  { ...ofOurs, profile: "one_by_one" },
  { ...ofOurs, profile: "background" },
  { ...ofAll, profile: "mixed" },
  { ...ofAll, profile: "mixed_in_background" },
];

const isRequest = (passing: Passing) => "path" in passing;
const rpc = (name: string) => (passing: Passing) =>
  isRequest(passing) && passing.path.endsWith(`/rpc/${name}`);
const saves = (tool: string, status: string) => (passing: Passing) =>
  rpc("save_response_steps")(passing) && isRequest(passing) &&
  JSON.parse(passing.body).p_steps.some((step: Record<string, unknown>) =>
    step["tool"] === tool && step["status"] === status
  );
const acts = (tool: string) => (passing: Passing) =>
  isRequest(passing) && /\/rest\/v1\/notes/.test(passing.path) &&
  passing.body.includes(`"tool":"${tool}"`);
const tellsOpenAI = (passing: Passing) =>
  isRequest(passing) && passing.method === "POST" && /responses$/.test(passing.path) &&
  passing.body.includes("function_call_output");

function aroundCall(what: string, options: Case, match: (passing: Passing) => boolean): void {
  for (const [when, phase] of [["before", "request"], ["after", "answer"]] as const) {
    killAt(`${when} ${what}`, options, (passing) => passing.phase === phase && match(passing));
  }
}

function killAt(what: string, options: Case, point: Point): void {
  killPointTest(`${options.profile}: run-jobs killed ${what}`, async () => {
    const bench = theBench();
    const { stack, gates, sql, openai, post } = bench;
    await (tables ??= makeTables(sql));
    await bench.clear();
    await sql`truncate public.notes, public.orders`;
    openai.faults.set([{ kind: "background-works" }, { kind: "ignore-parallel" }]);
    const { token } = await stack.createUser();
    const caught = gates.stopAt(point, { cutStreams: true });
    let killed = false;
    const killing = caught.then(async () => {
      await bench.kill();
      gates.open();
      killed = true;
    });
    const query = `[[plan: ${findEmail("invoice")}; reason; ${options.calls.join("; ")}]]`
      .replace(options.mails === 0 ? `${findEmail("invoice")}; ` : "no such", "");
    const { id } = await post("", { profile: options.profile, query }, {
      apikey: stack.publishableKey,
      authorization: `Bearer ${token}`,
    });
    const row = await recovers(bench, id, () => killed);
    assert.ok(killed, "somebody was killed");
    await killing;
    assert.equal(row.status, "completed", row.error_message ?? "");
    const notes = await sql`select tool, count(*)::int, count(distinct key)::int as keys
      from public.notes group by tool order by tool`;
    for (const { tool, count, keys } of notes) {
      assert.equal(keys, options.notes[String(tool)], `keys of ${tool}`);
      // What is idempotent may be made again with its key.
      if (tool !== "put") assert.equal(count, keys, `calls of ${tool}`);
    }
    assert.deepEqual(notes.map(({ tool }) => tool), Object.keys(options.notes));
    assert.equal((await sql`select from public.orders`).length, options.orders);
    assert.equal(mailCounts(bench).sent, options.mails);
    const finished = await sql`
      select from public.response_steps where job_id = ${id} and status = 'finished'
        and (run_by is not null or kind = 'mcp_call' and tool <> 'gmail_find_email')`;
    assert.equal(finished.length, options.calls.length, "calls recorded as finished");
  });
}

/** Answers whoever is asked, as long as somebody is. */
async function recovers(bench: Bench, id: string, killed: () => boolean): Promise<JobRow> {
  const { sql, post, settled } = bench;
  for (let asked = 0;; asked++) {
    const row = await settled(id, async (row) => {
      // A point that comes later than a question is reached when that is answered.
      if (row.status === "background" && killed()) await passForBackground(sql, id, 31_000);
      return isSettled(row) || row.status === "awaiting_tool_output";
    });
    if (isFinal(row)) return row;
    assert.ok(asked < 12, `the job keeps asking: ${row.status}`);
    const { body } = await post(`/${id}`, undefined);
    for (const waiting of Object(body).waiting) {
      const { kind, request_id, digest, call_id } = waiting;
      if (row.status === "needs_review") {
        const outcome = await happened(bench, id, waiting) ? "happened" : "did_not_happen";
        await post(`/${id}/resolve`, { outcome, request_id, digest });
      } else if (kind === "mcp_approval_request") {
        await post(`/${id}/approve`, { approve: true, request_id, digest });
      } else if (row.status === "awaiting_tool_output") {
        await post(`/${id}/tool-output`, { call_id, output: "opened" });
      }
    }
  }
}

/** What a person finds out who looks. */
async function happened(bench: Bench, id: string, { request_id }: { request_id: string }) {
  const { sql } = bench;
  const [step] = await sql`
    select s.tool, s.call_key, s.call_repeat, coalesce(j.first_id, j.id) as first_id
    from public.response_steps s join durable_responses.jobs j on j.id = s.job_id
    where s.job_id = ${id} and s.item_id = ${request_id}`;
  assert.ok(step, `there is no call ${request_id}`);
  if (step["tool"] === "gmail_reply_to_email") return mailCounts(bench).sent > 0;
  const key = await sha256(`${step["first_id"]}\n${step["call_key"]}\n${step["call_repeat"]}`);
  return (await sql`select from public.notes where key = ${key}`).length > 0;
}

for (const options of cases) {
  aroundCall("the questions are kept", options, rpc("suspend_response_job"));
  for (const tool of Object.keys(options.notes)) {
    aroundCall(`${tool} is saved as begun`, options, saves(tool, "started"));
    aroundCall(`${tool} acts`, options, acts(tool));
    aroundCall(`${tool} is saved as finished`, options, saves(tool, "finished"));
  }
  if (options.orders > 0) aroundCall("an order and its row", options, rpc("run_sql_tool"));
  aroundCall("OpenAI has the outputs", options, tellsOpenAI);
}
