/** mcp() with run_by "worker": our worker calls the server, and OpenAI sees functions. */
import { findEmail, replyToEmail } from "../../packages/dev/mcp/mailbox.ts";
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { freePort } from "../../packages/dev/ports.ts";
import { Project } from "../../packages/cli/src/api/project.ts";
import { checkServers } from "../../packages/cli/src/doctor/servers.ts";
import { startMailbox } from "../../packages/dev/mcp/mailbox.ts";
import { eventually } from "../support/eventually.ts";
import { forFile } from "../support/for-file.ts";
import { readJob, summarizeAttempts } from "../support/jobs.ts";
import { startTestStack } from "../support/stack.ts";

const query = "Find the latest email about the invoice and reply that it will be paid on Friday";
const toolNames = ["mailbox__gmail_find_email", "mailbox__gmail_reply_to_email"];
const gonePort = freePort();
const goneToken = "token-of-the-server-that-is-gone";

const theStack = forFile(async (parts) => {
  const test = await startTestStack(parts, {
    profiles: fileURLToPath(new URL("./support/mcp-profiles.ts", import.meta.url)),
    cronByHand: true,
    env: { GONE_MCP_URL: `http://127.0.0.1:${gonePort}/mcp`, GONE_MCP_TOKEN: goneToken },
  });
  const { sql, openai, stack } = test;
  return Object.assign(test, {
    begin() {
      openai.faults.clear();
      stack.mailbox.reset();
    },
    steps: (id: string) =>
      sql<Record<string, unknown>[]>`
        select kind, status, server_label, tool, run_by, effect, attempt
        from public.response_steps where job_id = ${id} and kind = 'function_call' order by number`,
    /** What OpenAI was sent since then. */
    sent: (from: number) =>
      openai.requests.slice(from).filter(({ method }) => method === "POST").map(({ body }) =>
        sentBody.parse(body)
      ),
  });
});

const sentBody = z.looseObject({
  tools: z.array(z.looseObject({ type: z.string(), name: z.string().optional() })).default([]),
  input: z.unknown(),
});
const items = z.array(z.looseObject({ type: z.string() }));
const streamed = z.looseObject({
  type: z.string().optional(),
  item: z.looseObject({ type: z.string() }).optional(),
});
const inputItems = z.array(z.looseObject({ type: z.string().optional() }));

Deno.test("background completes in background: OpenAI sees functions, and one email is sent", async () => {
  const { submit, finished, begin, steps, sent, openai, sql, stack, ask } = theStack();
  begin();
  const from = openai.requests.length;
  const { id } = await submit("background", query);
  const job = await finished(id);
  assert.deepEqual([job.status, job.fallback_reason, job.error_message], ["completed", null, null]);
  assert.match(job.output_text ?? "", /I replied to/);
  assert.deepEqual(await summarizeAttempts(sql, id), [
    "background continued",
    "synchronous continued",
    "background continued",
    "synchronous continued",
    "background completed",
  ]);
  assert.equal(stack.mailbox.sent.length, 1);
  assert.deepEqual(
    (await steps(id)).map(({ status, server_label, tool, run_by, effect }) =>
      [status, server_label, tool, run_by, effect].join(" ")
    ),
    [
      "finished mailbox gmail_find_email worker none",
      "finished mailbox gmail_reply_to_email worker once",
    ],
  );
  const { body } = await ask({ path: `/${id}` });
  const calls = items.parse(body["output"]).filter(({ type }) => type.includes("call"));
  assert.deepEqual(
    calls.map(({ type, server_label, name, error }) => [type, server_label, name, error]),
    [
      ["mcp_call", "mailbox", "gmail_find_email", null],
      ["mcp_call", "mailbox", "gmail_reply_to_email", null],
    ],
  );
  const requests = sent(from);
  assert.equal(requests.length, 3);
  for (const request of requests) {
    assert.deepEqual(request.tools.map(({ type, name }) => `${type} ${name}`), [
      `function ${toolNames[0]}`,
      `function ${toolNames[1]}`,
    ]);
    assert.ok(!JSON.stringify(request).includes(stack.mailbox.url), "OpenAI learns no address");
  }
});

Deno.test("in a synchronous run the calls are made between two requests", async () => {
  const { submit, finished, begin, sql, stack } = theStack();
  begin();
  const { id } = await submit("direct", query);
  assert.equal((await finished(id)).status, "completed");
  assert.deepEqual(await summarizeAttempts(sql, id), ["synchronous completed"]);
  assert.equal(stack.mailbox.sent.length, 1);
});

Deno.test("a person is asked as for a server that OpenAI calls, and shown the server's own names", async () => {
  const { submit, finished, begin, sql, stack, ask, openai, sent } = theStack();
  begin();
  const from = openai.requests.length;
  const { id } = await submit("asking", query);
  const asked = () =>
    eventually(
      "the question",
      () => readJob(sql, id),
      ({ status }) => status === "awaiting_approval",
    );
  await asked();
  assert.deepEqual(stack.mailbox.toolCalls, []);
  const { body } = await ask({ path: `/${id}` });
  const [waiting] = items.parse(
    z.array(z.looseObject({})).parse(body["waiting"]).map((one) => ({
      ...one,
      type: "waiting",
    })),
  );
  assert.deepEqual([waiting?.["server_label"], waiting?.["tool"]], ["mailbox", "gmail_find_email"]);
  const answer = async (approve: boolean) => {
    const { body } = await ask({ path: `/${id}` });
    const [one] = z.array(z.looseObject({ request_id: z.string(), digest: z.string() }))
      .parse(body["waiting"]);
    await ask({
      path: `/${id}/approve`,
      body: { approve, request_id: one?.request_id, digest: one?.digest },
    });
  };
  await answer(true);
  await asked();
  assert.equal(stack.mailbox.toolCalls.length, 1);
  await answer(false);
  const job = await finished(id);
  assert.equal(job.status, "completed");
  assert.match(JSON.stringify(sent(from).at(-1)?.input), /a person said no/);
  assert.equal(stack.mailbox.sent.length, 0);
});

Deno.test("approve_when decides by the arguments", async () => {
  const { submit, finished, begin, sql } = theStack();
  begin();
  const free = await submit(
    "asking_when",
    `[[plan: ${findEmail("invoice")}; ${replyToEmail("It is paid")}]]`,
  );
  assert.equal((await finished(free.id)).status, "completed");
  const { id } = await submit(
    "asking_when",
    `[[plan: ${findEmail("invoice")}; ${replyToEmail("Send money")}]]`,
  );
  await eventually(
    "the question",
    () => readJob(sql, id),
    ({ status }) => status === "awaiting_approval",
  );
});

Deno.test("a once call whose connection drops waits for a person, who knows", async () => {
  const { submit, finished, begin, sql, stack, ask, steps } = theStack();
  begin();
  stack.mailbox.fail({ tool: "gmail_reply_to_email", when: "die" });
  const { id } = await submit("direct", query);
  await eventually("the review", () => readJob(sql, id), ({ status }) => status === "needs_review");
  assert.deepEqual((await steps(id)).map(({ status }) => status), ["finished", "uncertain"]);
  assert.equal(stack.mailbox.sent.length, 1);
  await ask({ path: `/${id}/resolve`, body: { outcome: "happened" } });
  assert.equal((await finished(id)).status, "completed");
  assert.equal(stack.mailbox.sent.length, 1);
});

Deno.test("at the OpenAI-compatible endpoint the calls are mcp_call items, streamed or not", async () => {
  const { stack, user, begin } = theStack();
  begin();
  const post = async (stream: boolean) => {
    const answer = await fetch(`${stack.functionsUrl}/respond/v1/responses`, {
      method: "POST",
      headers: { authorization: `Bearer ${user.token}`, "content-type": "application/json" },
      body: JSON.stringify({ model: "direct", input: `[[plan: ${findEmail("invoice")}]]`, stream }),
    });
    return await answer.text();
  };
  const shown = z.looseObject({ output: items });
  const find = ["mcp_call", "mailbox", "gmail_find_email"];
  const whole = shown.parse(JSON.parse(await post(false))).output;
  assert.deepEqual(
    whole.filter(({ type }) => type.includes("call")).map((
      { type, server_label, name },
    ) => [type, server_label, name]),
    [find],
  );
  const done = (await post(true)).split("\n\n").flatMap((block) => {
    const data = /^data: (\{.*\})$/m.exec(block)?.[1];
    const event = streamed.parse(JSON.parse(data ?? "{}"));
    return event.type === "response.output_item.done" && event.item ? [event.item] : [];
  });
  assert.deepEqual(
    done.filter(({ type }) => type.includes("call")).map((
      { type, server_label, name },
    ) => [type, server_label, name]),
    [find],
  );
});

Deno.test("a tool's own error goes to the model", async () => {
  const { submit, finished, begin, stack } = theStack();
  begin();
  stack.mailbox.fail({ tool: "gmail_find_email", when: "before", message: "Gmail is on holiday" });
  const job = await finished((await submit("direct", `[[plan: ${findEmail("invoice")}]]`)).id);
  assert.equal(job.status, "completed");
  assert.match(job.output_text ?? "", /Gmail is on holiday/);
  assert.equal(stack.mailbox.sent.length, 0);
});

Deno.test("a picture goes to the model as one, and is named in the result", async () => {
  const { submit, finished, begin, openai, sent } = theStack();
  begin();
  const from = openai.requests.length;
  const job = await finished(
    (await submit("everything", "[[plan: call everything__get-tiny-image]]")).id,
  );
  assert.equal(job.status, "completed", job.error_message ?? "");
  const output = inputItems.parse(sent(from).at(-1)?.input).find(({ type }) =>
    type === "function_call_output"
  );
  const parts = items.parse(output?.["output"]);
  assert.ok(parts.some(({ type }) => type === "input_image"));
});

Deno.test("one server that OpenAI calls and one that we do, in one run", async () => {
  const { submit, finished, begin, ask } = theStack();
  begin();
  const { id } = await submit(
    "mixed",
    `[[plan: call everything.echo {"message":"hello"}; ${findEmail("invoice")}; ${
      replyToEmail("Paid")
    }]]`,
  );
  const job = await finished(id);
  assert.equal(job.status, "completed", job.error_message ?? "");
  const { body } = await ask({ path: `/${id}` });
  assert.deepEqual(
    items.parse(body["output"]).filter(({ type }) => type === "mcp_call").map(({ name }) => name),
    ["echo", "gmail_find_email", "gmail_reply_to_email"],
  );
});

Deno.test("an address that must not be connected to fails the job, and says what to do", async () => {
  const { submit, finished, begin } = theStack();
  begin();
  const job = await finished((await submit("metadata", query)).id);
  assert.deepEqual([job.status, job.error_code], ["failed", "mcp_address_refused"]);
  assert.match(job.error_message ?? "", /Cannot list the tools of mailbox: .*169\.254\.169\.254/);
});

Deno.test("a server that is down: the job is tried again, and completes when it is back", async () => {
  const { submit, finished, begin, sql, wake } = theStack();
  begin();
  await sql`update public.response_settings set breaker_failures = 1`;
  const { id } = await submit("gone", query);
  await eventually(
    "an attempt that could not list tools",
    () => summarizeAttempts(sql, id),
    (attempts) => attempts.some((each) => each.includes("tools_unavailable")),
  );
  // A server that is down says nothing about background.
  const [route] = await sql`
    select breaker, background_failures, paused_until from public.response_routes where profile = 'gone'`;
  assert.deepEqual({ ...route }, { breaker: "closed", background_failures: 0, paused_until: null });
  const back = await startMailbox({ token: goneToken, port: gonePort });
  try {
    await wake();
    const job = await finished(id);
    assert.equal(job.status, "completed", job.error_message ?? "");
    assert.equal(back.sent.length, 1);
  } finally {
    await back.stop();
  }
});

Deno.test("what cannot be a server is refused before there is a job", async () => {
  const { submit } = theStack();
  for (
    const [profile, said] of [
      ["two_of_a_label", /tools\[1\]: there are two servers named 'mailbox'/],
      ["no_address", /tools\[0\]\.server_url/],
    ] as const
  ) {
    const { code, body } = await submit(profile, query);
    assert.equal(code, "invalid_profile");
    assert.match(body.error?.message ?? "", said);
  }
});

Deno.test("doctor asks each server from where the function stands, and says which cannot be reached", async () => {
  const { stack } = theStack();
  const project = new Project({
    url: stack.apiUrl,
    key: stack.secretKey,
    secrets: {},
    supabase: undefined,
    functionName: "respond",
  });
  const { status, message, fix } = await checkServers(project);
  assert.equal(status, "wrong");
  assert.match(message, /'mailbox' of profile 'gone': cannot connect: .*connection refused/i);
  assert.match(message, /'mailbox' of profile 'metadata': .*must be https, or http to a host/);
  assert.match(message, /'mailbox' of profile 'two_of_a_label': .*two servers named 'mailbox'/);
  assert.ok(!/profile '(?:background|everything)'/.test(message), message);
  assert.match(fix ?? "", /DURABLE_RESPONSES_MCP_HOSTS/);
});
