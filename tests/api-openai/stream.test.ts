import assert from "node:assert/strict";
import OpenAI from "openai";
import { jobIdOf } from "../../supabase/functions/_durable_responses/model/ids.ts";
import { polled, sharedSdk } from "./support/sdk.ts";

const theSdk = sharedSdk();
type Event = OpenAI.Responses.ResponseStreamEvent;

const typesOf = (events: Event[]) => events.map(({ type }) => type);

Deno.test("a streaming create sends the standard events, numbered from 0", async () => {
  const { client } = theSdk();
  const events = await Array.fromAsync(
    await client.responses.create({
      model: "mail",
      input: "Reply to the invoice mail",
      stream: true,
    }),
  );
  assert.deepEqual(events.map((event) => event.sequence_number), [...events.keys()]);
  const types = typesOf(events);
  assert.deepEqual(types.slice(0, 2), ["response.created", "response.in_progress"]);
  assert.equal(types.at(-1), "response.completed");
  for (const type of ["response.mcp_call.completed", "response.output_text.delta"]) {
    assert.ok(types.some((found) => found === type), type);
  }
  const last = events.at(-1);
  assert.ok(last?.type === "response.completed");
  const deltas = events.flatMap((e) => e.type === "response.output_text.delta" ? [e.delta] : []);
  const message = last.response.output.find((item) => item.type === "message");
  assert.ok(deltas.length > 10, "text comes as it is written");
  assert.deepEqual(
    message?.content.map((part) => part.type === "output_text" ? part.text : part.type),
    [deltas.join("")],
  );
});

Deno.test("a tool call is an event while the run still goes on", async () => {
  const { client, stack } = theSdk();
  stack.stack.mailbox.setDelay("gmail_reply_to_email", 1_000);
  try {
    const stream = await client.responses.create({
      model: "mail",
      input: "Reply to the invoice mail, slowly",
      stream: true,
    });
    for await (const event of stream) {
      if (event.type !== "response.output_item.done" || event.item.type !== "mcp_call") continue;
      assert.equal(event.item.name, "gmail_find_email");
      break;
    }
    const [row] = await stack.sql`
      select status from public.response_jobs order by created_at desc limit 1`;
    assert.equal(row?.["status"], "running");
  } finally {
    stack.stack.mailbox.setDelay("gmail_reply_to_email", 0);
  }
});

Deno.test("responses.stream() gathers the whole response", async () => {
  const { client } = theSdk();
  const texts: string[] = [];
  const stream = client.responses.stream({
    model: "mail",
    input: "Reply to the invoice mail, please",
  });
  stream.on("response.output_text.delta", ({ delta }) => texts.push(delta));
  const response = await stream.finalResponse();
  assert.equal(response.status, "completed");
  assert.equal(texts.join(""), response.output_text);
  assert.equal((await client.responses.retrieve(response.id)).output_text, response.output_text);
});

Deno.test("a stream is taken up where it broke off, with the same numbers", async () => {
  const { client } = theSdk();
  const seen: Event[] = [];
  const stream = await client.responses.create({
    model: "mail",
    input: "Reply to the invoice mail in background",
    background: true,
    stream: true,
  });
  let id = "";
  for await (const event of stream) {
    seen.push(event);
    if (event.type === "response.created") id = event.response.id;
    if (event.type === "response.output_item.done") break;
  }
  const starting_after = seen.at(-1)?.sequence_number ?? -1;
  const rest = await Array.fromAsync(
    await client.responses.retrieve(id, { stream: true, starting_after }),
  );
  const numbers = [...seen, ...rest].map((event) => event.sequence_number);
  assert.deepEqual(numbers, [...numbers.keys()]);
  const whole = await Array.fromAsync(await client.responses.retrieve(id, { stream: true }));
  assert.deepEqual(typesOf(whole), typesOf([...seen, ...rest]));
  const helped = await client.responses.stream({ response_id: id, starting_after }).finalResponse();
  assert.equal(helped.status, "completed");
});

Deno.test("the helper takes a response whose run was repeated after tools had run", async () => {
  const { client, stack } = theSdk();
  const attempt = (number: string) => ({ metadata: { durable_responses_attempt: number } });
  stack.openai.faults.add({ kind: "background-works", times: 1, match: attempt("1") });
  stack.openai.faults.add({ kind: "fails-after-tools", times: 1, match: attempt("3") });
  const before = stack.stack.mailbox.sent.length;
  const stream = client.responses.stream({
    model: "fresh",
    input: "Reply to the invoice mail, whatever fails",
    background: true,
  });
  const response = await stream.finalResponse();
  assert.equal(response.status, "completed");
  assert.equal(stack.stack.mailbox.sent.length, before + 1);
  assert.deepEqual(
    (await client.responses.retrieve(response.id)).output.map((item) => item.type),
    response.output.map((item) => item.type),
  );
});

Deno.test("a failed job ends its stream with response.failed", async () => {
  const { client, stack } = theSdk();
  stack.openai.faults.add({ kind: "quota", times: 1 });
  const stream = client.responses.stream({ model: "once", input: "Hi" });
  const response = await stream.finalResponse();
  assert.deepEqual(
    [response.status, String(response.error?.code)],
    ["failed", "openai_quota_exceeded"],
  );
});

Deno.test("a cancelled job's stream ends without a terminal event, as at OpenAI", async () => {
  const { client, stack } = theSdk();
  stack.openai.faults.add({ kind: "stuck-in-progress", times: 1 });
  const stream = await client.responses.create({
    model: "plain",
    input: "Hi",
    background: true,
    stream: true,
  });
  const types: string[] = [];
  for await (const event of stream) {
    types.push(event.type);
    if (event.type === "response.in_progress") await client.responses.cancel(event.response.id);
  }
  assert.deepEqual(types, ["response.created", "response.in_progress"]);
});

Deno.test("whatever number a reader has, a stream whose events are deleted has its end", async () => {
  const { client, stack } = theSdk();
  const events = await Array.fromAsync(
    await client.responses.create({ model: "plain", input: "Hi", stream: true }),
  );
  const [first] = events;
  assert.ok(first?.type === "response.created");
  await stack.sql`delete from durable_responses.streams where job_id = ${
    jobIdOf(first.response.id) ?? ""
  }`;
  for (const { sequence_number: starting_after } of events) {
    const rest: Event[] = await Array.fromAsync(
      await client.responses.retrieve(first.response.id, { stream: true, starting_after }),
    );
    assert.equal(rest.at(-1)?.type, "response.completed", `after ${starting_after}`);
    assert.ok(rest.every((event) => event.sequence_number > starting_after));
  }
  for (const odd of ["", "%20", "x", "1.5"]) {
    const { status }: Response = await fetch(
      `${client.baseURL}/responses/${first.response.id}?stream=true&starting_after=${odd}`,
      { headers: { authorization: `Bearer ${client.apiKey}` } },
    );
    assert.equal(status, 400, `'${odd}'`);
  }
});

Deno.test("a reader that leaves does not end the job", async () => {
  const { client } = theSdk();
  const stream = await client.responses.create({ model: "plain", input: "Hi", stream: true });
  for await (const event of stream) {
    if (event.type !== "response.created") continue;
    stream.controller.abort();
    assert.equal((await polled(client, event.response.id)).status, "completed");
  }
});
