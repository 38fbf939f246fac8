/** A server that ignores `background: true` answers the request that has the yes with the response itself. */
import assert from "node:assert/strict";
import type { Fault } from "../../../packages/dev/openai/mod.ts";
import { eventually } from "../../support/eventually.ts";
import { readJob, summarizeAttempts } from "../../support/jobs.ts";
import type { TestStack } from "../../support/stack.ts";
import { functionsAreDone } from "../background/at-openai.ts";
import { message, raw, response, retrieve } from "../upstream/answers.ts";
import { settledInTime } from "../upstream/ask.ts";
import { askedUnheard, continuedInBackground } from "./asked-unheard.ts";
import { ofAttempt, sentInAll, works } from "./mail.ts";

/** The question can be read once; after that, the server knows no response any more. */
const forgets = (asked: object): Fault[] => [
  raw(retrieve, { body: asked }, { times: 1 }),
  { kind: "http-error", status: 404, match: retrieve },
  works,
];

export function testWholeAnswer(theStack: () => TestStack): void {
  /** A job that was asked about, and the whole response to its yes, as if the server had made the call. */
  async function withWhole(id: string, status = "completed") {
    const asked = await askedUnheard(theStack());
    const request = asked.body.output.find(({ type }) => type === "mcp_approval_request");
    const call = {
      ...request,
      type: "mcp_call",
      id: "mcp_whole",
      approval_request_id: request?.["id"],
      output: "sent",
      error: null,
      status: "completed",
    };
    const details = status === "incomplete" ? { reason: "max_output_tokens" } : null;
    const error = status === "failed" ? { code: "server_error", message: "x" } : null;
    const output = [call, message("I have sent it.")];
    return {
      ...asked,
      whole: { ...response(status, output, { incomplete_details: details, error }), id },
    };
  }
  const callsOf = async (id: string) =>
    (await theStack().sql`
      select status from public.response_steps where job_id = ${id} and effect = 'once' and kind = 'mcp_call'`)
      .map(({ status }) => status);

  Deno.test("it is the result, also if the server knows no such response afterwards", async () => {
    const { openai, sql, finished } = theStack();
    const { id, hear, whole, body } = await withWhole("resp_whole");
    openai.faults.set([raw(ofAttempt(3), { body: whole }, { times: 1 }), ...forgets(body)]);
    // Nobody asks for it.
    const from = openai.requests.length;
    await hear();
    const job = await finished(id);
    assert.deepEqual([job.status, job.output_text], ["completed", "I have sent it."]);
    assert.deepEqual(await summarizeAttempts(sql, id), continuedInBackground);
    assert.deepEqual(await callsOf(id), ["finished"]);
    assert.deepEqual(
      openai.requests.slice(from).filter(({ path }) => path.endsWith("/resp_whole")),
      [],
    );
  });

  Deno.test("one that ran out of tokens is a failure, and its call is in the ledger", async () => {
    const { openai } = theStack();
    const { id, hear, whole, body } = await withWhole("resp_short", "incomplete");
    openai.faults.set([raw(ofAttempt(3), { body: whole }, { times: 1 }), ...forgets(body)]);
    await hear();
    const job = await settledInTime(theStack(), id);
    assert.deepEqual([job.status, job.error_code], ["failed", "response_incomplete"]);
    assert.deepEqual(await callsOf(id), ["finished"]);
  });

  for (const status of ["failed", "cancelled"]) {
    Deno.test(`one that was ${status} and shows the call: it was made, and nobody is asked`, async () => {
      const { openai } = theStack();
      const { id, hear, whole, body } = await withWhole(`resp_${status}`, status);
      openai.faults.set([raw(ofAttempt(3), { body: whole }, { times: 1 }), ...forgets(body)]);
      await hear();
      const job = await settledInTime(theStack(), id);
      assert.deepEqual([job.status, await callsOf(id)], ["completed", ["finished"]]);
      assert.equal(await sentInAll(theStack()), 0);
    });
  }

  Deno.test("one that was refused before it ran: the job fails, and nobody is asked", async () => {
    const { openai } = theStack();
    const { id, hear, body } = await withWhole("resp_refused");
    const error = { code: "invalid_request_error", message: "No such parameter" };
    const refused = { ...response("failed", [], { error }), id: "resp_refused" };
    openai.faults.set([raw(ofAttempt(3), { body: refused }, { times: 1 }), ...forgets(body)]);
    await hear();
    const job = await settledInTime(theStack(), id);
    assert.deepEqual([job.status, await callsOf(id)], ["failed", ["void"]]);
  });

  Deno.test("under the id of another job's response, it is nobody's result", async () => {
    const { openai, sql } = theStack();
    const one = await askedUnheard(theStack());
    openai.faults.set([
      raw(ofAttempt(3), { body: { ...response("queued", []), id: "resp_both" } }, { times: 1 }),
      works,
    ]);
    await one.hear();
    const waits = (id: string) =>
      eventually(
        "the next attempt",
        () => readJob(sql, id),
        ({ attempt, status }) => attempt === 3 && status === "background",
      );
    await waits(one.id);
    const { id, hear, whole, body } = await withWhole("resp_both");
    openai.faults.set([raw(ofAttempt(3), { body: whole }, { times: 1 }), ...forgets(body)]);
    await hear();
    assert.equal((await waits(id)).response_id, null);
    await functionsAreDone(theStack());
    assert.equal((await readJob(sql, one.id)).status, "background");
    for (const job of [one.id, id]) {
      assert.equal((await settledInTime(theStack(), job, 121_000)).status, "needs_review");
    }
  });

  Deno.test("the first response, which asks for the same, is no result: the webhook brings it", async () => {
    const { openai, sql, finished } = theStack();
    const { id, body, hear } = await askedUnheard(theStack());
    openai.faults.set([raw(ofAttempt(3), { body }, { runs: true, times: 1 }), works]);
    await hear();
    assert.equal((await finished(id)).status, "completed");
    assert.deepEqual(await summarizeAttempts(sql, id), continuedInBackground);
    assert.equal(await sentInAll(theStack()), 1);
  });
}
