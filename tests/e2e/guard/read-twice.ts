/** A response that is read again after its attempt has ended: its call is the row that the first reading has settled. */
import assert from "node:assert/strict";
import { eventually } from "../../support/eventually.ts";
import { flagsOf } from "../../support/job-state.ts";
import { readJob } from "../../support/jobs.ts";
import type { TestStack } from "../../support/stack.ts";
import { functionsAreDone, openaiIsDone } from "../background/at-openai.ts";
import { createStream, raw, response, retrieve } from "../upstream/answers.ts";
import { askedUnheard } from "./asked-unheard.ts";
import { ofAttempt, sentInAll, works } from "./mail.ts";

const question = {
  type: "mcp_approval_request",
  id: "mcpr_other",
  server_label: "unknown_server",
  name: "x",
  arguments: "{}",
};

/** What the call says about the request that it answers. */
const names: Record<string, unknown> = {
  "names no request": null,
  "names an unknown request": "mcpr_unknown",
  "names an id of ours": "mcpr_step_2",
};

export function testReadTwice(theStack: () => TestStack): void {
  /** A job whose third attempt has sent the email, and has not been heard of. */
  async function sentUnheard() {
    const { openai, sql, stack } = theStack();
    const { id, body, hear } = await askedUnheard(theStack());
    await hear();
    openai.webhooks.faults.set([{ kind: "lose" }]);
    const { response_id } = await eventually(
      "the third attempt",
      () => readJob(sql, id),
      (job) => job.attempt === 3 && job.response_id !== null,
    );
    await eventually("the email", () => stack.mailbox.sent.length, (sent) => sent === 1);
    await openaiIsDone(theStack());
    await functionsAreDone(theStack());
    openai.webhooks.faults.clear();
    const request = body.output.find((item) => item["type"] === "mcp_approval_request");
    const call = {
      ...request,
      type: "mcp_call",
      id: "mcp_other",
      output: "sent",
      error: null,
      status: "completed",
    };
    const report = () =>
      openai.webhooks.send({ type: "response.completed", responseId: response_id ?? "" });
    return { id, call, report };
  }

  const callsOf = async (id: string) => {
    const rows = await theStack().sql`
      select status from public.response_steps where job_id = ${id} and kind = 'mcp_call' and effect = 'once'`;
    return rows.map(({ status }) => status);
  };

  for (const [what, named] of Object.entries(names)) {
    Deno.test(`a response that asks a person is reported twice, and its call ${what}: the question stays`, async () => {
      const { openai, sql } = theStack();
      const { id, call, report } = await sentUnheard();
      const body = response("completed", [{ ...call, approval_request_id: named }, question]);
      openai.faults.set([raw({ ...retrieve, ...ofAttempt(3) }, { body }), works]);
      await report();
      await eventually(
        "the question",
        async () => (await readJob(sql, id)).status === "awaiting_approval",
      );
      await report();
      await functionsAreDone(theStack());
      assert.equal((await readJob(sql, id)).status, "awaiting_approval");
      assert.deepEqual(await callsOf(id), ["finished"]);
      assert.equal(await sentInAll(theStack()), 1);
    });

    Deno.test(`a response that failed is reported twice, and its call ${what}: the run that continues is not stopped`, async () => {
      const { openai, sql, finished } = theStack();
      const { id, call, report } = await sentUnheard();
      const error = { code: "server_error", message: "Cannot" };
      const body = response("failed", [{ ...call, approval_request_id: named }], { error });
      const from = openai.requests.length;
      openai.faults.set([
        raw({ ...retrieve, ...ofAttempt(3) }, { body }),
        { kind: "slow", ms: 1_500, match: createStream },
        works,
      ]);
      await report();
      await eventually("the run that continues", async () => {
        const { status, attempt } = await readJob(sql, id);
        return status === "running" && attempt === 4 &&
          openai.requests.slice(from).some(({ path }) => path === "/v1/responses");
      });
      await report();
      assert.equal((await finished(id)).status, "completed");
      assert.deepEqual(await callsOf(id), ["finished"]);
      assert.deepEqual(await flagsOf(sql, id), []);
      assert.equal(await sentInAll(theStack()), 1);
    });
  }
}
