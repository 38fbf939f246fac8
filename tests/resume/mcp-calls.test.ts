/**
 * Every point at which a worker can die around a call that it makes at an MCP server, and while the server works. Afterwards
 * the job is completed with exactly one email. A person is asked only about the reply, and answers truthfully.
 */
import { findEmail, replyToEmail } from "../../packages/dev/mcp/mailbox.ts";
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import type { Fault } from "../../packages/dev/openai/mod.ts";
import { eventually } from "../support/eventually.ts";
import type { Passing, Point } from "../support/gates.ts";
import { killPointTest } from "../support/kill-points.ts";
import { benchForFile, mailCounts, recovers } from "./support/bench.ts";

const theBench = benchForFile({
  profiles: fileURLToPath(new URL("../tools/support/mcp-profiles.ts", import.meta.url)),
});

interface Case {
  profile: "direct" | "background";
  victim: "openai-webhook" | "run-jobs";
}

const works: Fault[] = [{ kind: "background-works" }];
const query = `Answer the invoice [[plan: ${findEmail("invoice")}; reason; ${
  replyToEmail("It is paid.")
}]]`;
const find = "gmail_find_email";
const reply = "gmail_reply_to_email";
const direct: Case = { profile: "direct", victim: "run-jobs" };
const background: Case = { profile: "background", victim: "run-jobs" };

const isRequest = (passing: Passing) => "path" in passing;
const rpc = (name: string) => (passing: Passing) =>
  isRequest(passing) && passing.path.endsWith(`/rpc/${name}`);
const saves = (tool: string, status: string) => (passing: Passing) =>
  isRequest(passing) && passing.path.endsWith("/rpc/save_response_steps") &&
  JSON.parse(passing.body).p_steps.some((step: Record<string, unknown>) =>
    step["tool"] === tool && step["status"] === status
  );
/** The request that has the output of the reply. */
const tellsOpenAI = (passing: Passing) =>
  isRequest(passing) && passing.method === "POST" && /responses$/.test(passing.path) &&
  passing.body.includes("function_call_output") && passing.body.includes(`${reply}"`) &&
  passing.body.includes("msg-2001");

function aroundCall(what: string, options: Case, match: (passing: Passing) => boolean): void {
  for (const [when, phase] of [["before", "request"], ["after", "answer"]] as const) {
    killAt(`${when} ${what}`, options, (passing) => passing.phase === phase && match(passing));
  }
}

/** @param point what is held while the worker is killed; without it, the worker is killed while the mailbox sends the reply */
function killAt(what: string, { profile, victim }: Case, point?: Point): void {
  killPointTest(`${profile}: ${victim} killed ${what}`, async () => {
    const bench = theBench();
    const { stack, gates, openai } = bench;
    await bench.clear();
    openai.faults.set(works);
    stack.mailbox.setDelay(reply, point ? 20 : 1_000);
    const caught = point ? gates.stopAt(point, { cutStreams: victim === "run-jobs" }) : eventually(
      "the reply at the mailbox",
      () => stack.mailbox.toolCalls.some(({ tool }) => tool === reply),
    );
    const asked = bench.submit(profile, query);
    await reached(caught);
    assert.ok((await bench.kill(victim)).length > 0, "somebody was killed");
    gates.open();
    const row = await recovers(bench, await asked);
    assert.equal(row.status, "completed", row.error_message ?? "");
    assert.equal(mailCounts(bench).sent, 1, "emails");
    const steps = await bench.sql`
      select tool from public.response_steps
      where job_id = ${row.id} and kind = 'function_call' and status = 'finished' order by number`;
    assert.deepEqual(steps.map(({ tool }) => tool), [find, reply], "calls recorded as finished");
  });
}

async function reached(caught: Promise<unknown>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("Cannot kill: the point was not reached")), 15_000);
  });
  await Promise.race([caught, late]).finally(() => clearTimeout(timer));
}

for (const options of [direct, background]) {
  aroundCall("the search is saved as begun", options, saves(find, "started"));
  aroundCall("the search is saved as finished", options, saves(find, "finished"));
  aroundCall("the reply is saved as begun", options, saves(reply, "started"));
  killAt("while the mailbox is at work", options);
  aroundCall("the reply is saved as finished", options, saves(reply, "finished"));
  aroundCall("OpenAI has the output of the reply", options, tellsOpenAI);
}
aroundCall(
  "the calls are kept for a worker",
  { ...background, victim: "openai-webhook" },
  rpc("continue_response_job"),
);
aroundCall("the run goes on in background", background, rpc("continue_in_background"));
aroundCall("the result is written", direct, rpc("complete_response_jobs"));
