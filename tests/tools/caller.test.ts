/** run_by: "caller": a call is handed out, and its output is accepted once, from its owner. */
import assert from "node:assert/strict";
import type { Job } from "../../packages/client/src/index.ts";
import { clientOn } from "../client/support/client.ts";
import { eventually } from "../support/eventually.ts";
import { readJob } from "../support/jobs.ts";
import { callStep } from "../support/ledger.ts";
import { sharedTools } from "./support/tools-stack.ts";

const theStack = sharedTools();
const plan = '[[plan: call open_door {"door":"1"}]]';

async function handedOut(id: string): Promise<{ call_id: string; arguments: string }[]> {
  const { sql, ask } = theStack();
  await eventually(
    "the call to be handed out",
    () => readJob(sql, id),
    ({ status }) => status === "awaiting_tool_output",
  );
  return Object((await ask({ path: `/${id}` })).body).waiting;
}

for (const profile of ["caller", "caller_in_background"]) {
  Deno.test(`${profile}: the job waits for the caller, and goes on with the output`, async () => {
    const { submit, ask, finished, begin } = theStack();
    await begin();
    const { id } = await submit(profile, plan);
    const [call] = await handedOut(id);
    assert.equal(call?.arguments, '{"door":"1"}');
    const answer = { call_id: call?.call_id, output: "it is open" };
    assert.equal((await ask({ path: `/${id}/tool-output`, body: answer })).body.status, "queued");
    const job = await finished(id);
    assert.deepEqual([job.status, job.output_text], [
      "completed",
      "open_door returned: it is open.",
    ]);
    const repeat = await ask({ path: `/${id}/tool-output`, body: answer });
    assert.equal(repeat.status, 200, "the same answer again is no news");
    const other = await ask({ path: `/${id}/tool-output`, body: { ...answer, output: "shut" } });
    assert.equal(other.status, 409);
  });
}

Deno.test("nobody else answers, and no call that is not open", async () => {
  const { submit, ask, begin, stack } = theStack();
  await begin();
  const { id } = await submit("caller", plan);
  const [call] = await handedOut(id);
  const path = `/${id}/tool-output`;
  const other = await stack.createUser();
  const body = { call_id: call?.call_id, output: "x" };
  assert.equal((await ask({ path, body, token: other.token })).status, 404);
  assert.equal((await ask({ path, body: { ...body, call_id: "call_none" } })).status, 409);
  assert.equal((await ask({ path: `/${id}/cancel`, method: "POST" })).status, 200);
  assert.equal((await ask({ path, body })).status, 409);
});

Deno.test("a late report holds the job, and after the review the same call is handed out", async () => {
  const { submit, ask, finished, begin, sql } = theStack();
  await begin();
  const { id } = await submit("caller", plan);
  const [call] = await handedOut(id);
  const { attempt } = await readJob(sql, id);
  await sql`select public.save_response_steps(${id}, ${attempt}, ${
    sql.json([callStep("started")])
  })`;
  assert.equal((await readJob(sql, id)).status, "needs_review");
  const answer = { call_id: call?.call_id, output: "it is open" };
  assert.equal((await ask({ path: `/${id}/tool-output`, body: answer })).status, 409);
  const outcome = { outcome: "did_not_happen" };
  assert.equal((await ask({ path: `/${id}/resolve`, body: outcome })).body.status, "queued");
  assert.deepEqual((await handedOut(id)).map(({ call_id }) => call_id), [call?.call_id]);
  assert.equal((await ask({ path: `/${id}/tool-output`, body: answer })).body.status, "queued");
  assert.equal((await finished(id)).output_text, "open_door returned: it is open.");
});

Deno.test("a person and the caller are asked in one response: first the one, then the other", async () => {
  const { submit, ask, finished, begin, notes, sql } = theStack();
  await begin();
  const { id } = await submit(
    "caller",
    '[[plan: call open_door {"door":"1"}; call refund {"amount":80}; call look {"body":"x"}]]',
  );
  await eventually(
    "the question",
    () => readJob(sql, id),
    (row) => row.status === "awaiting_approval",
  );
  const { body } = await ask({ path: `/${id}` });
  const waiting: { kind: string; call_id: string; request_id: string }[] = Object(body).waiting;
  assert.deepEqual(waiting.map(({ kind }) => kind).sort(), [
    "function_call",
    "mcp_approval_request",
  ]);
  const approved = await ask({ path: `/${id}/approve`, body: { approve: true } });
  assert.equal(approved.body.status, "awaiting_tool_output");
  assert.deepEqual(await notes("refund"), []);
  const call = waiting.find(({ kind }) => kind === "function_call");
  await ask({ path: `/${id}/tool-output`, body: { call_id: call?.call_id, output: "open" } });
  const job = await finished(id);
  assert.deepEqual([job.status, (await notes("refund")).length, (await notes("look")).length], [
    "completed",
    1,
    1,
  ]);
});

Deno.test("the openai SDK's way: function_call_output with and without previous_response_id", async () => {
  const { stack, user, begin, finished } = theStack();
  await begin();
  const create = async (body: Record<string, unknown>) => {
    const answer = await fetch(`${stack.functionsUrl}/respond/v1/responses`, {
      method: "POST",
      headers: { authorization: `Bearer ${user.token}`, "content-type": "application/json" },
      body: JSON.stringify({ model: "caller", ...body }),
    });
    return { status: answer.status, body: Object(await answer.json()) };
  };
  for (const whole of [false, true]) {
    // The same question again, before its answer is read, would be the same job.
    const query = `${plan} ${crypto.randomUUID()}`;
    const first = await create({ input: query });
    assert.deepEqual([first.status, first.body.status], [200, "completed"]);
    const [call, ...more] = first.body.output;
    assert.deepEqual([call.type, call.name, more.length], ["function_call", "open_door", 0]);
    const output = { type: "function_call_output", call_id: call.call_id, output: "open" };
    const next = await create(
      whole
        ? {
          input: [{ role: "user", content: query }, call, output],
          tools: [{ type: "function", name: "open_door", parameters: {}, strict: true }],
        }
        : { previous_response_id: first.body.id, input: [output] },
    );
    assert.deepEqual([next.status, next.body.id], [200, first.body.id], JSON.stringify(next.body));
    assert.deepEqual(next.body.output.map(({ type }: { type: string }) => type), ["message"]);
    const id = String(first.body.id).replace(
      /^resp_(.{8})(.{4})(.{4})(.{4})(.{12})$/,
      "$1-$2-$3-$4-$5",
    );
    assert.equal((await finished(id)).output_text, "open_door returned: open.");
  }
});

Deno.test("the client shows the call that is the caller's, in get() and in watch(), and gives its output", async () => {
  const { submit, finished, begin, stack, user } = theStack();
  await begin();
  await using client = clientOn(stack, user.token);
  // The other call waits for a worker: nobody is asked about it.
  const { id } = await submit("caller", `${plan.slice(0, -2)}; call look {"body":"x"}]]`);
  const [call] = await handedOut(id);
  const shown = ({ waiting }: Job) => waiting?.map(({ tool, call_id }) => [tool, call_id]);
  const expected = [["open_door", call?.call_id]];
  assert.deepEqual(shown(await client.responses.get(id)), expected);
  for await (const update of client.responses.watch(id)) {
    if (update.type !== "job") continue;
    assert.deepEqual(shown(update.job), expected);
    break;
  }
  await client.responses.toolOutput(id, { callId: call?.call_id ?? "", output: "it is open" });
  assert.match((await finished(id)).output_text ?? "", /open_door returned: it is open/);
});
