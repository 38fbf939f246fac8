/** The response of another job in answer to any request: nobody gets an answer that is not theirs. */
import assert from "node:assert/strict";
import { eventually } from "../../support/eventually.ts";
import { readJob } from "../../support/jobs.ts";
import type { TestStack } from "../../support/stack.ts";
import {
  createBackground,
  createStream,
  ended,
  message,
  raw,
  response,
  retrieve,
  stream,
  streamed,
} from "../upstream/answers.ts";
import { answering, settledInTime } from "../upstream/ask.ts";
import { askedUnheard } from "./asked-unheard.ts";
import { begin, ofAttempt, query, sentInAll, works } from "./mail.ts";

const secret = message("The secret of another");
const metadata = {
  durable_responses_job_id: "0190aaaa-bbbb-7ccc-8ddd-eeeeeeeeeeee",
  durable_responses_attempt: "1",
};
const whole = response("completed", [secret], { id: "resp_of_another", metadata });
const events = stream(
  { type: "response.created", response: response("in_progress", [], { metadata }) },
  ...streamed(secret, 0),
  ended("completed", [secret], { metadata }),
);
const last = stream(...streamed(secret, 0), ended("completed", [secret], { metadata }));

const answers = {
  "a background request": ["plain", raw(createBackground, { body: whole }, { times: 1 })],
  "a synchronous request, as events": ["direct", raw(createStream, events, { times: 1 })],
  "a synchronous request, told at its end": ["direct", raw(createStream, last, { times: 1 })],
  "a synchronous request, in one piece": [
    "direct",
    raw(createStream, { body: whole }, { times: 1 }),
  ],
} as const;

export function testOfAnotherJob(theStack: () => TestStack): void {
  for (const [what, [profile, answer]] of Object.entries(answers)) {
    Deno.test(`${what} is answered with another job's response: it is asked again`, async () => {
      const { submit, fresh } = theStack();
      begin(theStack(), [answer, works]);
      const { id } = await submit(fresh(profile), answering);
      const job = await settledInTime(theStack(), id);
      assert.equal(job.status, "completed");
      assert.doesNotMatch(job.output_text ?? "", /secret/);
    });
  }

  Deno.test("the yes is answered with another job's stream: one email, and a person decides", async () => {
    const { submit, fresh } = theStack();
    begin(theStack(), [
      { kind: "background-unsupported", match: { ...ofAttempt(3), background: true } },
      raw({ stream: true, ...ofAttempt(2) }, last, { runs: true, times: 1 }),
      works,
    ]);
    const { id } = await submit(fresh("mail"), query);
    assert.equal((await settledInTime(theStack(), id)).status, "needs_review");
    assert.equal(await sentInAll(theStack()), 1);
  });

  Deno.test("the yes in background is answered with another job's response: its own webhook brings the result", async () => {
    const { openai, finished } = theStack();
    const { id, hear } = await askedUnheard(theStack());
    const body = { ...whole, status: "queued", output: [] };
    openai.faults.set([raw(ofAttempt(3), { body }, { runs: true, times: 1 }), works]);
    await hear();
    assert.equal((await finished(id)).status, "completed");
    assert.equal(await sentInAll(theStack()), 1);
  });

  Deno.test("a poll is answered with another job's response, without metadata: it is read again", async () => {
    const { submit, fresh, finished, openai, sql } = theStack();
    begin(theStack(), [works]);
    const other = await submit(fresh("plain"), answering);
    await finished(other.id);
    const { response_id: otherId } = await readJob(sql, other.id);
    openai.webhooks.faults.set([{ kind: "lose" }]);
    const { id } = await submit(fresh("plain"), answering);
    const { response_id } = await eventually(
      "the response's id",
      () => readJob(sql, id),
      (row) => row.response_id !== null,
    );
    const body = response("completed", [secret], { id: otherId });
    openai.faults.set([raw(retrieve, { body }, { times: 1 }), works]);
    await openai.webhooks.send({ type: "response.completed", responseId: response_id ?? "" });
    const job = await settledInTime(theStack(), id);
    openai.webhooks.faults.clear();
    assert.equal(job.status, "completed");
    assert.doesNotMatch(job.output_text ?? "", /secret/);
  });

  Deno.test("a webhook of somebody else's response is read as ours: ours gets its own id", async () => {
    const { openai, sql } = theStack();
    const { id, hear } = await askedUnheard(theStack());
    openai.webhooks.faults.set([{ kind: "delay", ms: 1_500 }]);
    openai.faults.set([
      raw(ofAttempt(3), { status: 502, type: "text/html", body: "<html>" }, {
        runs: true,
        times: 1,
      }),
      works,
    ]);
    await hear();
    await eventually("the next attempt", () => readJob(sql, id), ({ attempt }) => attempt === 3);
    const mine = {
      durable_responses_job_id: id,
      durable_responses_attempt: "3",
    };
    const body = response("in_progress", [], { id: "resp_true", metadata: mine });
    openai.faults.set([raw(retrieve, { body }, { times: 1 }), works]);
    await openai.webhooks.send({ type: "response.completed", responseId: "resp_of_another_app" });
    await eventually(
      "its id",
      () => readJob(sql, id),
      ({ response_id }) => response_id === "resp_true",
    );
    openai.webhooks.faults.clear();
  });
}
