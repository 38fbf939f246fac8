/** A person's yes, depending on a call's arguments, for our own tools and for those that OpenAI calls, in either mode. */
import { findEmail, replyToEmail } from "../../packages/dev/mcp/mailbox.ts";
import assert from "node:assert/strict";
import { eventually } from "../support/eventually.ts";
import { readJob, summarizeAttempts } from "../support/jobs.ts";
import { sharedTools } from "./support/tools-stack.ts";

const theStack = sharedTools();

const waits = (id: string, status: string) =>
  eventually(
    `${id} to be ${status}`,
    () => readJob(theStack().sql, id),
    (row) => row.status === status,
  );

for (const profile of ["direct", "background"]) {
  Deno.test(`${profile}: only what is large is asked about`, async () => {
    const { submit, finished, begin, notes } = theStack();
    await begin();
    const { id } = await submit(profile, '[[plan: call refund {"amount":20}]]');
    assert.equal((await finished(id)).status, "completed");
    assert.equal((await notes("refund")).length, 1);
  });

  Deno.test(`${profile}: with a yes the very call is made, once`, async () => {
    const { submit, finished, begin, notes, ask } = theStack();
    await begin();
    const { id } = await submit(
      profile,
      '[[plan: call refund {"amount":80}; call look {"body":"x"}]]',
    );
    await waits(id, "awaiting_approval");
    assert.deepEqual([await notes("refund"), await notes("look")].flat(), []);
    const { body } = await ask({ path: `/${id}` });
    const [waiting, ...more] = Object(body).waiting;
    assert.equal(more.length, 0);
    const { tool, server_label, arguments: args, request_id, digest } = waiting;
    assert.deepEqual([tool, server_label, args], ["refund", "functions", '{"amount":80}']);
    await ask({ path: `/${id}/approve`, body: { approve: true, request_id, digest } });
    const job = await finished(id);
    assert.deepEqual(
      [job.status, job.output_text],
      ["completed", "refund returned: noted 80. look returned: noted x."],
    );
    assert.deepEqual([(await notes("refund")).length, (await notes("look")).length], [1, 1]);
  });

  Deno.test(`${profile}: a no goes to the model, with its reason`, async () => {
    const { submit, finished, begin, notes, ask } = theStack();
    await begin();
    const { id } = await submit(profile, '[[plan: call refund {"amount":80}]]');
    await waits(id, "awaiting_approval");
    await ask({ path: `/${id}/approve`, body: { approve: false, reason: "too much" } });
    const job = await finished(id);
    assert.match(job.output_text ?? "", /a person said no: too much/);
    assert.deepEqual(await notes("refund"), []);
  });

  Deno.test(`${profile}: approve_when decides about a call that OpenAI makes`, async () => {
    const { submit, finished, begin, ask, stack, sql } = theStack();
    await begin();
    stack.mailbox.reset();
    theStack().openai.faults.set([{ kind: "background-works" }]);
    const name = profile === "direct" ? "conditional" : "conditional_in_background";
    const small = await submit(name, `[[plan: ${findEmail("invoice")}; ${replyToEmail("Yes.")}]]`);
    assert.equal((await finished(small.id)).status, "completed");
    assert.equal(stack.mailbox.sent.length, 1);
    const { id } = await submit(
      name,
      `[[plan: ${findEmail("invoice")}; ${replyToEmail("Money is on its way.")}]]`,
    );
    await waits(id, "awaiting_approval");
    assert.equal(stack.mailbox.sent.length, 1);
    await ask({ path: `/${id}/approve`, body: { approve: true } });
    assert.equal(
      (await finished(id)).status,
      "completed",
      (await summarizeAttempts(sql, id)).join(),
    );
    assert.equal(stack.mailbox.sent.length, 2);
  });
}
