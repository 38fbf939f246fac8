/** Equal calls in one response: each is a call of its own, with its own key, its own question and its own answer. */
import assert from "node:assert/strict";
import {
  createBackground,
  createStream,
  ended,
  raw,
  response,
  stream,
  streamed,
} from "../e2e/upstream/answers.ts";
import { eventually } from "../support/eventually.ts";
import { readJob } from "../support/jobs.ts";
import { sharedTools } from "./support/tools-stack.ts";

const theStack = sharedTools();

const callOf = (number: number, name: string, args: string) => ({
  type: "function_call",
  id: `fc_${number}`,
  call_id: `call_${number}`,
  name,
  arguments: args,
  status: "completed",
});

/** A job whose first response asks for these calls. */
async function submitted(profile: string, calls: ReturnType<typeof callOf>[]): Promise<string> {
  const { begin, openai, submit } = theStack();
  await begin();
  const events = calls.flatMap((item, place) => streamed(item, place));
  const whole = { ...response("completed", calls), id: `resp_${crypto.randomUUID()}` };
  openai.faults.set([
    raw(createStream, stream(...events, ended("completed", calls)), { times: 1 }),
    raw(createBackground, { body: whole }, { times: 1 }),
    { kind: "background-works" },
  ]);
  return (await submit(profile, "[[plan: text all done]]")).id;
}

const twice = (name: string, args: string) => [callOf(1, name, args), callOf(2, name, args)];

for (const profile of ["direct", "one_by_one"]) {
  for (const tool of ["send", "put", "look"]) {
    Deno.test(`${profile}: two equal calls of ${tool} are two calls with two keys`, async () => {
      const { finished, notes, steps } = theStack();
      const id = await submitted(profile, twice(tool, '{"body":"x"}'));
      const job = await finished(id);
      assert.equal(job.status, "completed", job.error_message ?? "");
      assert.equal(new Set((await notes(tool)).map(({ key }) => key)).size, 2);
      assert.equal((await notes(tool)).length, 2);
      const calls = (await steps(id)).filter(({ kind }) => kind === "function_call");
      assert.deepEqual(calls.map(({ status }) => status), ["finished", "finished"]);
    });
  }

  Deno.test(`${profile}: two equal calls of a Postgres function are two rows`, async () => {
    const { finished, orders, steps } = theStack();
    const id = await submitted(profile, twice("add_order", '{"item":"tea"}'));
    const job = await finished(id);
    assert.equal(job.status, "completed", job.error_message ?? "");
    assert.equal((await orders()).length, 2);
    const calls = (await steps(id)).filter(({ kind }) => kind === "function_call");
    assert.deepEqual(calls.map(({ status }) => status), ["finished", "finished"]);
  });
}

for (const profile of ["direct", "one_by_one", "background"]) {
  for (const ids of ["their own ids", "one call_id"]) {
    for (const yes of [0, 1]) {
      Deno.test(`${profile}: of two equal calls with ${ids}, the one that got a yes is made: ${yes + 1}`, async () => {
        const { finished, notes, ask, sql, steps, openai } = theStack();
        const [one, other] = [
          callOf(1, "refund", '{"amount":80}'),
          callOf(2, "refund", '{"amount":80}'),
        ];
        const same = { ...one, id: other.id };
        const id = await submitted(profile, [one, ids === "one call_id" ? same : other]);
        await eventually(
          "the question",
          () => readJob(sql, id),
          ({ status }) => status === "awaiting_approval",
        );
        const { waiting } = Object((await ask({ path: `/${id}` })).body);
        assert.equal(waiting.length, 2);
        for (const [at, { request_id, digest }] of waiting.entries()) {
          const { code } = await ask({
            path: `/${id}/approve`,
            body: { approve: at === yes, request_id, digest },
          });
          assert.equal(code, "");
        }
        const job = await finished(id);
        assert.equal(job.status, "completed", job.error_message ?? "");
        assert.equal((await notes("refund")).length, 1);
        const calls = (await steps(id)).filter(({ kind }) => kind === "function_call");
        const expected = ["failed", "failed"].with(yes, "finished");
        assert.deepEqual(calls.map(({ status }) => status), expected);
        // The model is given both outcomes.
        const { body } = openai.requests.findLast(({ method }) => method === "POST") ??
          assert.fail();
        const told = [Object(body).input].flat().flatMap(({ type, output }) =>
          type === "function_call_output" ? [output] : []
        );
        assert.equal(told.length, 2);
        assert.match(told[yes], /noted 80/);
        assert.match(told[1 - yes], /said no/);
      });
    }
  }
}

const one = callOf(1, "send", '{"body":"x"}');
const done = (item: Record<string, unknown>, output_index: number) => ({
  type: "response.output_item.done",
  output_index,
  item,
});
const toldTwice: Record<string, Record<string, unknown>[]> = {
  "first as not done yet": [done({ ...one, status: "in_progress" }, 0), done(one, 0)],
  "at two places": [done(one, 0), done(one, 1)],
  "with two ids": [done({ ...one, id: "fc_9" }, 0), done(one, 0)],
};
for (const [how, events] of Object.entries(toldTwice)) {
  Deno.test(`one call that a stream tells twice, ${how}, is made once`, async () => {
    const { begin, openai, submit, finished, notes } = theStack();
    await begin();
    openai.faults.set([
      raw(createStream, stream(...events, ended("completed", [one])), { times: 1 }),
    ]);
    const { id } = await submit("direct", "[[plan: text all done]]");
    assert.equal((await finished(id)).status, "completed");
    assert.equal((await notes("send")).length, 1);
  });
}
