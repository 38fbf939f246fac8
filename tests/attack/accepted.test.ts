/** Once a job is accepted, no error may look like a refusal: a repeat would be a second job, and a second email. */
import assert from "node:assert/strict";
import { z } from "zod";
import { fastTimings } from "../../packages/dev/openai/mod.ts";
import { forFile } from "../support/for-file.ts";
import { type Gates, startGates } from "../support/gates.ts";
import { countJobs } from "../support/jobs.ts";
import { onTestProfiles, startTestStack, type TestStack } from "../support/stack.ts";

const theTest = forFile(async (parts): Promise<{ test: TestStack; gates: Gates }> => {
  const gates = await startGates();
  parts.defer(() => gates.stop());
  const test = await startTestStack(parts, {
    ...onTestProfiles,
    openaiTimings: fastTimings,
    frontOfSupabase: gates.database,
  });
  return { test, gates };
});

const rpc = "/rest/v1/rpc/";
const submitCall = `${rpc}submit_response_job`;
/** The calls that accept a job. The second one also runs it in place. */
const accepting = [submitCall, `${rpc}start_response_job`];
const isAccepting = (path: string) => accepting.includes(path) || !path.startsWith(rpc);

const postgrest = (status: number, code: string) => () =>
  Response.json({ code, message: "planted", details: null, hint: null }, { status });

/** What may come instead of an answer to any call after the insert. */
const broken: [string, () => Response][] = [
  ["the database is away", postgrest(503, "PGRST000")],
  ["PostgREST lost its connection", postgrest(503, "PGRST001")],
  ["a gateway's page", () => new Response("<html>Bad gateway</html>", { status: 502 })],
  ["a check constraint", postgrest(400, "23514")],
  ["a number out of range", postgrest(400, "22003")],
  ["an error that nobody foresaw", postgrest(500, "XX000")],
  ["a deadlock, every time", postgrest(500, "40P01")],
  ["an answer of another shape", () => Response.json({ nothing: "of it" })],
];

/** What OpenAI answers at the same time: the response is running, final at once, refused, odd, or nobody knows. */
const upstream: [string, Parameters<TestStack["openai"]["faults"]["set"]>[0]][] = [
  ["takes it", [{ kind: "stuck-queued" }]],
  ["refuses it", [{ kind: "background-unsupported" }]],
  ["fails", [{ kind: "http-error", status: 500 }]],
  ["gives no answer", [{ kind: "create-lost" }]],
];

for (const [what, answer] of broken) {
  for (const [how, faults] of upstream) {
    Deno.test(`${what}, OpenAI ${how}: the answer is the accepted job`, async () => {
      const { test } = theTest();
      const { proxy, openai, sql } = test;
      openai.faults.set(faults);
      const before = await countJobs(sql);
      proxy.intercept = (path) => isAccepting(path) ? undefined : answer();
      try {
        const profile = test.fresh("abrupt");
        const native = await test.ask({ body: { query: "hi", profile, wait: 1 } });
        assert.equal(native.status, 202);
        assert.equal(native.headers.get("location"), `/functions/v1/respond/${native.id}`);
        const compatible = await test.ask({
          path: "/v1/responses",
          body: { model: profile, input: "hi", background: true },
        });
        assert.equal(compatible.status, 200);
        assert.match(compatible.id, /^resp_[0-9a-f]{32}$/);
        assert.ok(["queued", "in_progress"].includes(compatible.body.status ?? ""));
        const rows = await sql`select id from durable_responses.jobs where id = ${native.id}`;
        assert.equal(rows.length, 1);
      } finally {
        proxy.intercept = undefined;
        openai.faults.clear();
      }
      assert.equal(await countJobs(sql), before + 2);
    });
  }
}

Deno.test("a stream that was begun for an accepted job names it, and outlives the database's absence", async () => {
  const { test } = theTest();
  test.openai.faults.set([{ kind: "stuck-queued" }]);
  let looks = 0;
  test.proxy.intercept = (path) =>
    isAccepting(path) || ++looks > 3 ? undefined : postgrest(503, "PGRST000")();
  try {
    const response = await fetch(`${test.stack.functionsUrl}/respond/v1/responses`, {
      method: "POST",
      headers: { authorization: `Bearer ${test.user.token}` },
      body: JSON.stringify({ model: "plain", input: "hi", stream: true }),
    });
    assert.ok(response.body);
    let text = "";
    let id: string | undefined;
    for await (const part of response.body.pipeThrough(new TextDecoderStream())) {
      text += part;
      id ??= /"id":"(resp_[0-9a-f]{32})"/.exec(text)?.[1];
      if (id !== undefined && looks > 4) {
        await test.ask({ path: `/v1/responses/${id}/cancel`, method: "POST" });
        id = undefined;
      }
    }
    assert.match(text, /response\.created/);
    assert.ok(!text.includes("event: error"), text);
  } finally {
    test.proxy.intercept = undefined;
    test.openai.faults.clear();
  }
});

Deno.test("a submit whose answer is lost is one job, and is answered as one", async () => {
  const { test, gates } = theTest();
  test.openai.faults.set([{ kind: "stuck-queued" }]);
  const before = await countJobs(test.sql);
  const held = gates.stopAt((passing) => passing.phase === "answer" && passing.path === submitCall);
  const submitted = test.submit("plain", "hi");
  await held;
  // What was held is dropped: the function gets no answer, but the row is there.
  gates.open();
  const answer = await submitted;
  assert.equal(answer.status, 202);
  assert.equal(await countJobs(test.sql), before + 1);
  const [row] = await test
    .sql`select id from durable_responses.jobs order by created_at desc limit 1`;
  assert.equal(answer.id, row?.["id"]);
});

Deno.test("no answer to a submit at all: the refusal names the job that may be there", async () => {
  const { test } = theTest();
  const before = await countJobs(test.sql);
  test.proxy.intercept = (path) =>
    accepting.includes(path)
      ? new Response("<html>Bad gateway</html>", { status: 502 })
      : undefined;
  try {
    const answer = await test.submit("plain", "hi");
    assert.deepEqual([answer.status, answer.code], [503, "acceptance_unknown"]);
    const id = String(answer.body.error?.["job_id"]);
    assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7/);
    assert.equal(answer.headers.get("location"), `/functions/v1/respond/${id}`);
    assert.match(answer.body.error?.message ?? "", new RegExp(id));
    // With the caller's own key, a repeat is safe, and the refusal says so.
    const keyed = await test.ask({
      body: { query: "hi", profile: "plain" },
      headers: { "idempotency-key": crypto.randomUUID() },
    });
    assert.deepEqual([keyed.status, keyed.code], [503, "database_unavailable"]);
    const compatible = await test.ask({
      path: "/v1/responses",
      body: { model: "plain", input: "hi" },
    });
    assert.deepEqual([compatible.status, compatible.code], [503, "acceptance_unknown"]);
    assert.equal(compatible.headers.get("x-should-retry"), "false");
  } finally {
    test.proxy.intercept = undefined;
  }
  assert.equal(await countJobs(test.sql), before);
});

Deno.test("a submit that the database refuses is refused, whatever it names", async () => {
  const { test } = theTest();
  test.proxy.intercept = (path) => path === submitCall ? postgrest(503, "PGRST000")() : undefined;
  try {
    const answer = await test.submit("plain", "hi");
    assert.deepEqual([answer.status, answer.code], [503, "database_unavailable"]);
  } finally {
    test.proxy.intercept = undefined;
  }
});

const answerCall = `${rpc}answer_response_job`;

/** A response that asks before it replies to an email, and the request that says yes. */
async function asking() {
  const { test } = theTest();
  test.openai.faults.clear();
  const model = test.fresh("asking");
  const asked = await test.ask({
    path: "/v1/responses",
    body: { model, input: "Reply to the invoice mail" },
  });
  const { output } = z.object({ output: z.array(z.object({ type: z.string(), id: z.string() })) })
    .parse(asked.body);
  const requests = output.filter(({ type }) => type === "mcp_approval_request");
  assert.equal(requests.length, 1);
  const input = requests.map(({ id: approval_request_id }) => ({
    type: "mcp_approval_response",
    approval_request_id,
    approve: true,
  }));
  const before = test.stack.mailbox.sent.length;
  return {
    id: asked.id,
    yes: () => test.ask({ path: "/v1/responses", body: { model, input } }),
    mails: () => test.stack.mailbox.sent.length - before,
  };
}

Deno.test("a yes whose answer is lost is accepted once, and is answered as accepted", async () => {
  const { gates } = theTest();
  const { id, yes, mails } = await asking();
  const held = gates.stopAt((passing) => passing.phase === "answer" && passing.path === answerCall);
  const answering = yes();
  await held;
  // What was held is dropped: the function gets no answer, but the yes is written.
  gates.open();
  const answered = await answering;
  assert.deepEqual([answered.status, answered.id, answered.body.status], [200, id, "completed"]);
  assert.equal(mails(), 1);
});

Deno.test("no answer to a yes at all: the refusal names the response, and the same again is accepted", async () => {
  const { test } = theTest();
  const { id, yes, mails } = await asking();
  test.proxy.intercept = (path) =>
    path === answerCall ? new Response("<html>Bad gateway</html>", { status: 502 }) : undefined;
  try {
    const answer = await yes();
    assert.deepEqual([answer.status, answer.code], [503, "acceptance_unknown"]);
    assert.deepEqual(
      ["x-response-id", "x-should-retry"].map((name) => answer.headers.get(name)),
      [id, "true"],
    );
    assert.equal(answer.body.error?.["response_id"], id);
  } finally {
    test.proxy.intercept = undefined;
  }
  assert.equal(mails(), 0);
  const answered = await yes();
  assert.deepEqual([answered.id, answered.body.status], [id, "completed"]);
  assert.equal((await yes()).id, id);
  assert.equal(mails(), 1);
});

const rounded: [string, string, string][] = [
  ["integers above 2^53", `{"n":9007199254740993}`, `{"n":9007199254740992}`],
  ["numbers beyond a double", `{"n":1e400}`, `{"n":1e500}`],
  ["a key that occurs twice", `{"n":1,"n":2}`, `{"n":2}`],
];
for (const [what, one, other] of rounded) {
  Deno.test(`requests that differ in ${what} are two requests`, async () => {
    const { test } = theTest();
    test.openai.faults.set([{ kind: "stuck-queued" }]);
    const key = { "idempotency-key": crypto.randomUUID() };
    const item = (part: string) =>
      `{"role":"user","content":[{"type":"input_text","text":"hi","more":${part}}]}`;
    for (
      const [path, body] of [
        ["", (part: string) => `{"profile":"plain","input":[${item(part)}]}`],
        [
          "/v1/responses",
          (part: string) => `{"model":"plain","input":[${item(part)}],"background":true}`,
        ],
      ] as const
    ) {
      const headers = { "idempotency-key": `${key["idempotency-key"]}${path}` };
      const first = await test.ask({ path, body: body(one), headers });
      assert.ok(first.status < 300);
      // White space and the order of keys make no difference.
      const again = await test.ask({
        path,
        body: body(one).replace(/,"input"/, ' ,\n "input"'),
        headers,
      });
      assert.equal(again.id, first.id);
      const second = await test.ask({ path, body: body(other), headers });
      assert.deepEqual([second.status, second.code], [409, "idempotency_key_reused"]);
    }
  });
}

Deno.test("how long it is waited for, and how the answer is wanted, is not part of a request", async () => {
  const { test } = theTest();
  test.openai.faults.set([{ kind: "stuck-queued" }]);
  const headers = { "idempotency-key": crypto.randomUUID() };
  const first = await test.ask({ body: { query: "hi", profile: "plain" }, headers });
  const again = await test.ask({
    body: { input: "hi", profile: "plain", wait: 0.1, metadata: {} },
    headers,
  });
  assert.equal(again.id, first.id);
});
