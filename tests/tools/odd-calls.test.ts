/** Calls as a model, or what stands in its place, may write them: odd ids, odd names, arguments that say more than one thing. */
import assert from "node:assert/strict";
import { createStream, ended, raw, stream, streamed } from "../e2e/upstream/answers.ts";
import { readJob } from "../support/jobs.ts";
import { toolsStackForFile } from "./support/tools-stack.ts";

const theStack = toolsStackForFile();

const call = (name: string, args: string, more: Record<string, unknown> = {}) => ({
  type: "function_call",
  id: "fc_1",
  call_id: "call_1",
  name,
  arguments: args,
  status: "completed",
  ...more,
});

/** Ends a job whose first response asks for these calls. */
async function ranWith(profile: string, calls: ReturnType<typeof call>[]) {
  const { begin, openai, submit, finished, notes, orders, sql } = theStack();
  await begin();
  const events = calls.flatMap((item, place) => streamed(item, place));
  openai.faults.set([
    raw(createStream, stream(...events, ended("completed", calls)), { times: 1 }),
  ]);
  const { id } = await submit(profile, "[[plan: text all done]]");
  await finished(id);
  const job = await readJob(sql, id);
  assert.equal(job.status, "completed", job.error_message ?? "");
  const steps = await sql`
    select status, error from public.response_steps where job_id = ${id} and kind = 'function_call' order by number`;
  return {
    sent: (await notes("send")).map(({ body }) => body).sort(),
    refunds: await notes("refund"),
    orders: await orders(),
    errors: steps.map((step) => step["error"]),
  };
}

Deno.test("two calls with one id and one call_id are two calls, each made once", async () => {
  const { sent, errors } = await ranWith("direct", [
    call("send", '{"body":"a"}'),
    call("send", '{"body":"b"}'),
  ]);
  assert.deepEqual([sent, errors], [["a", "b"], [null, null]]);
});

const twofold: [string, string, string, RegExp][] = [
  ["a key twice", "refund", '{"amount": 80, "amount": 20}', /the key "amount" occurs twice/],
  [
    "a number that is another one in JavaScript",
    "refund",
    '{"amount": 90071992547409931}',
    /90071992547409931 cannot be represented exactly/,
  ],
  [
    "the same for a Postgres function",
    "add_order",
    '{"item":"tea","pieces":9007199254740993}',
    /9007199254740993 cannot be represented exactly/,
  ],
];
for (const [name, tool, args, why] of twofold) {
  Deno.test(`${name}: the call is not made, nobody is asked, and the model is told why`, async () => {
    const { refunds, orders, errors } = await ranWith("direct", [call(tool, args)]);
    assert.deepEqual([refunds, orders, errors.length], [[], [], 1]);
    assert.match(String(errors[0]), why);
  });
}

Deno.test("no function of JavaScript's own is a tool", async () => {
  const names = ["__proto__", "constructor", "toString"];
  const { errors } = await ranWith("direct", names.map((name) => call(name, "{}")));
  assert.deepEqual(errors, names.map((name) => `There is no function '${name}'`));
});

for (const [name, call_id] of [["empty", ""], ["too long", noise(3_000)]] as const) {
  Deno.test(`a call for the caller whose call_id is ${name} could never be answered, and is not handed out`, async () => {
    const { errors } = await ranWith("caller", [call("open_door", '{"door":"1"}', { call_id })]);
    assert.match(String(errors[0]), /Not called: its call_id is empty or too long/);
  });
}

/** Nothing that could be compressed: an index takes long texts that can be. */
function noise(length: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(length));
  return Array.from(bytes, (byte) => (byte % 36).toString(36)).join("");
}
