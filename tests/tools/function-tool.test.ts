/** tool(): what a profile's own functions get, and what happens with their answers. */
import assert from "node:assert/strict";
import { readJob, summarizeAttempts } from "../support/jobs.ts";
import { eventually } from "../support/eventually.ts";
import { sharedTools } from "./support/tools-stack.ts";

const theStack = sharedTools();

Deno.test("a call of a function is made, is on the ledger, and its output goes to the model", async () => {
  const { submit, finished, begin, notes, steps, user } = theStack();
  await begin();
  const { id } = await submit("direct", '[[plan: call send {"body":"hello"}]]');
  const job = await finished(id);
  assert.deepEqual([job.status, job.output_text], ["completed", "send returned: noted hello."]);
  const [note, ...more] = await notes("send");
  assert.deepEqual([note?.body, note?.owner_id, more.length], ["hello", user.id, 0]);
  assert.deepEqual(
    (await steps(id)).filter(({ kind }) => kind === "function_call"),
    [{
      kind: "function_call",
      status: "finished",
      tool: "send",
      run_by: "worker",
      effect: "once",
      output: "noted hello",
      error: null,
      attempt: 1,
    }],
  );
});

Deno.test("calls of one response are made together, and a profile may want them one by one", async () => {
  const { submit, finished, begin, openai } = theStack();
  await begin();
  const plan = '[[plan: call look {"body":"#"} x3]]';
  for (const [profile, responses] of [["direct", 2], ["one_by_one", 4]] as const) {
    const from = openai.requests.length;
    const job = await finished((await submit(profile, plan)).id);
    assert.equal(job.output_text, [1, 2, 3].map((n) => `look returned: noted ${n}.`).join(" "));
    assert.equal(
      openai.requests.slice(from).filter(({ method }) => method === "POST").length,
      responses,
    );
  }
});

Deno.test("in background the calls are made by a worker, and the run goes on in background", async () => {
  const { submit, finished, begin, notes, sql } = theStack();
  await begin();
  const { id } = await submit(
    "background",
    '[[plan: call send {"body":"a"}; reason; call look {"body":"b"}; call put {"body":"c"}]]',
  );
  const job = await finished(id);
  assert.deepEqual([job.status, job.fallback_reason, job.error_message], ["completed", null, null]);
  assert.deepEqual(await summarizeAttempts(sql, id), [
    "background continued",
    "synchronous continued",
    "background continued",
    "synchronous continued",
    "background completed",
  ]);
  assert.deepEqual([(await notes("send")).length, (await notes("put")).length], [1, 1]);
});

Deno.test("what a tool answers, and what it does not, goes to the model in words", async () => {
  const { submit, finished, begin } = theStack();
  await begin();
  const cases: [string, RegExp][] = [
    ['call lazy {"a":1,"b":2}', /lazy returned: \{"sum":3\}/],
    ["call slow {}", /slow returned: .*took longer than 100 ms/],
    ['call complain {"fatal":false}', /complain returned: .*there is no such order/],
    ["call large {}", /large returned: .*1000001 bytes, and at most 1000000/],
    ["call lazy {}", /lazy returned: .*do not fit: a: /],
    [
      "call who {}",
      /who returned: \{"ownerId":"[0-9a-f-]{36}","jobId":"[0-9a-f-]{36}","callId":"call_/,
    ],
  ];
  for (const [step, said] of cases) {
    const job = await finished((await submit("direct", `[[plan: ${step}]]`)).id);
    assert.match(job.output_text ?? `${job.status} ${job.error_message}`, said);
  }
});

Deno.test("a fatal error fails the job, with the tool's words", async () => {
  const { submit, finished, begin } = theStack();
  await begin();
  const job = await finished((await submit("direct", '[[plan: call complain {"fatal":true}]]')).id);
  assert.deepEqual(
    [job.status, job.error_code, job.error_message],
    ["failed", "tool_failed", "Cannot continue after the call of complain: there is no such order"],
  );
});

Deno.test("a once call that took too long waits for a person, and is made again when it had not happened", async () => {
  const { submit, begin, sql, ask, steps } = theStack();
  await begin();
  const { id } = await submit("direct", "[[plan: call slow_send {}]]");
  await eventually("the review", () => readJob(sql, id), ({ status }) => status === "needs_review");
  assert.deepEqual((await steps(id)).map(({ status }) => status), ["uncertain"]);
  const { body } = await ask({
    path: `/${id}/resolve`,
    body: { outcome: "happened", output: "sent" },
  });
  assert.equal(body.status, "queued");
  const job = await theStack().finished(id);
  assert.deepEqual([job.status, job.output_text], ["completed", "slow_send returned: sent."]);
});

for (const [profile, sent] of [["one_by_one", 0], ["direct", 1]] as const) {
  Deno.test(`${profile}: a call beside one that is in doubt, or fatal, is made ${sent} times before somebody looks`, async () => {
    const { submit, finished, begin, sql, ask, steps, notes, openai } = theStack();
    await begin();
    openai.faults.set([{ kind: "ignore-parallel" }]);
    const { id } = await submit(
      profile,
      '[[plan: call slow_send {}; call send {"body":"x"}]]',
    );
    await eventually(
      "the review",
      () => readJob(sql, id),
      ({ status }) => status === "needs_review",
    );
    assert.deepEqual(
      (await steps(id)).map(({ tool, status }) => `${tool} ${status}`),
      ["slow_send uncertain", sent === 0 ? "send waiting" : "send finished"],
    );
    assert.equal((await notes("send")).length, sent);
    await ask({ path: `/${id}/resolve`, body: { outcome: "happened", output: "sent" } });
    const job = await finished(id);
    assert.deepEqual(
      [job.status, job.output_text],
      ["completed", "slow_send returned: sent. send returned: noted x."],
    );
    assert.equal((await notes("send")).length, 1);

    await begin();
    openai.faults.set([{ kind: "ignore-parallel" }]);
    const failed = await finished(
      (await submit(profile, '[[plan: call complain {"fatal":true}; call send {"body":"x"}]]')).id,
    );
    assert.deepEqual([failed.status, failed.error_code], ["failed", "tool_failed"]);
    assert.equal((await notes("send")).length, sent);
  });
}

Deno.test("on_uncertain: retry tells the model instead", async () => {
  const { submit, finished, begin } = theStack();
  await begin();
  const job = await finished((await submit("careless", "[[plan: call slow_send {}]]")).id);
  assert.match(job.output_text ?? "", /took longer than 100 ms/);
});

Deno.test("a repeat of a call that took too long has its key, and a repeat of one that ended has another", async () => {
  const { submit, finished, begin, notes, steps } = theStack();
  await begin();
  const again = (call: string) => `[[plan: ${call}; reason; ${call}]]`;
  const { id } = await submit("direct", again('call slow_put {"body":"a"}'));
  assert.equal((await finished(id)).status, "completed");
  const calls = (await steps(id)).filter(({ kind }) => kind === "function_call");
  assert.deepEqual(calls.map(({ status }) => status), ["failed", "failed"]);
  for (const { error } of calls) {
    assert.match(String(error), /^Nobody knows whether the call was made: It took longer than/);
  }
  const late = (await notes("slow_put")).map(({ key }) => key);
  assert.deepEqual([late.length, new Set(late).size], [2, 1], late.join());
  await finished((await submit("direct", again('call put {"body":"a"}'))).id);
  const ended = (await notes("put")).map(({ key }) => key);
  assert.deepEqual([ended.length, new Set(ended).size], [2, 2], ended.join());
});

for (const profile of ["limited", "limited_in_background"]) {
  const called = async (plan: string) => {
    const { submit, finished, begin, notes } = theStack();
    await begin();
    const job = await finished((await submit(profile, `[[plan: ${plan}]]`)).id);
    assert.match(
      job.output_text ?? "",
      /max_tool_calls is 2, and that many calls were made/,
    );
    return (await notes("look")).length;
  };

  Deno.test(`${profile}: max_tool_calls holds over all rounds`, async () => {
    const [one, two, three] = [1, 2, 3].map((body) => `call look {"body":"${body}"}`);
    assert.equal(await called(`${one}; reason; ${two}; reason; ${three}`), 2);
  });

  Deno.test(`${profile}: max_tool_calls holds within a response`, async () => {
    assert.equal(await called('call look {"body":"#"} x3'), 2);
  });
}
