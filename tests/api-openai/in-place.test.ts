/** The function that answers runs a job that streams or waits, once, whatever happens to the caller and the function. */
import { findEmail, replyToEmail } from "../../packages/dev/mcp/mailbox.ts";
import assert from "node:assert/strict";
import type OpenAI from "openai";
import { z } from "zod";
import { eventually } from "../support/eventually.ts";
import { expireLease } from "../support/job-state.ts";
import { readAttempts, readJob, summarizeAttempts } from "../support/jobs.ts";
import { polled, type Sdk, sdkForFile } from "./support/sdk.ts";

const theSdk = sdkForFile({
  openaiTimings: { queuedMs: 5, stepMs: 5, deltaMs: 15 },
  env: { DURABLE_RESPONSES_CONCURRENCY: "2" },
  // One isolate answers all requests, as on a platform where requests share workers.
  maxWorkers: 1,
});
type Event = OpenAI.Responses.ResponseStreamEvent;

const jobOf = ({ id }: { id: string }) =>
  id.replace(/^resp_(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
const textOf = (events: Event[]) =>
  events.flatMap((event) => event.type === "response.output_text.delta" ? [event.delta] : []).join(
    "",
  );
const long = "[[plan: text 80 deltas]] Talk";

/** Reads a stream until `until` is true, and leaves it open. */
async function readUntil(stream: AsyncIterator<Event>, until: (event: Event) => boolean) {
  const seen: Event[] = [];
  for (;;) {
    const { done, value } = await stream.next();
    if (done) throw new Error(`Cannot read on: the stream is over after ${seen.length} events`);
    seen.push(value);
    if (until(value)) return seen;
  }
}

async function streamed({ client }: Sdk, input: string, model = "plain") {
  const stream = await client.responses.create({ model, input, stream: true });
  const iterator = stream[Symbol.asyncIterator]();
  const seen = await readUntil(iterator, ({ type }) => type === "response.created");
  const [created] = seen;
  assert.ok(created?.type === "response.created");
  return { stream, iterator, seen, id: created.response.id };
}

const rest = async (iterator: AsyncIterator<Event>) => {
  const events: Event[] = [];
  for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
    events.push(next.value);
  }
  return events;
};

async function workersOf({ stack }: Sdk, id: string): Promise<(string | null)[]> {
  const attempts = await readAttempts(stack.sql, jobOf({ id }));
  return attempts.map(({ worker }) => worker);
}
const isInline = (worker: string | null | undefined) => /-inline-/.test(worker ?? "");

Deno.test("text comes as it is written, from the function that answers", async () => {
  const sdk = theSdk();
  const { iterator, seen, id } = await streamed(sdk, long);
  seen.push(...await readUntil(iterator, ({ type }) => type === "response.output_text.delta"));
  assert.equal((await readJob(sdk.stack.sql, jobOf({ id }))).status, "running");
  seen.push(...await rest(iterator));
  assert.deepEqual(seen.map((event) => event.sequence_number), [...seen.keys()]);
  const last = seen.at(-1);
  assert.ok(last?.type === "response.completed");
  assert.equal(textOf(seen), (await sdk.client.responses.retrieve(id)).output_text);
  const workers = await workersOf(sdk, id);
  assert.ok(workers.length === 1 && isInline(workers[0]), String(workers));
});

Deno.test("whoever comes in the middle, or afterwards, gets the same events with the same numbers", async () => {
  const sdk = theSdk();
  const { iterator, seen, id } = await streamed(sdk, `[[plan: reason; ${long.slice(8)}`, "thinks");
  seen.push(...await readUntil(iterator, ({ type }) => type === "response.output_text.delta"));
  const from = seen.at(-3)?.sequence_number ?? 0;
  const late = await Array.fromAsync(
    await sdk.client.responses.retrieve(id, { stream: true, starting_after: from }),
  );
  seen.push(...await rest(iterator));
  assert.deepEqual(late, seen.filter((event) => event.sequence_number > from));
  const types = new Set(seen.map(({ type }) => type));
  assert.ok(types.has("response.reasoning_summary_text.delta"));
  const again = await Array.fromAsync(await sdk.client.responses.retrieve(id, { stream: true }));
  assert.deepEqual(again.slice(2), seen.slice(2));
  const helped = await sdk.client.responses.stream({ response_id: id }).finalResponse();
  assert.equal(helped.output_text, textOf(seen));
});

Deno.test("items have the same ids in the stream, in its end and whenever the response is retrieved", async () => {
  const sdk = theSdk();
  const { iterator, seen, id } = await streamed(sdk, "Reply to the invoice mail", "mail");
  seen.push(...await rest(iterator));
  const begun = seen.flatMap((event) =>
    event.type === "response.output_item.added" ? [event.item.id] : []
  );
  const last = seen.at(-1);
  assert.ok(last?.type === "response.completed");
  assert.deepEqual(new Set(last.response.output.map((item) => item.id)), new Set(begun));
  const { output } = await sdk.client.responses.retrieve(id);
  assert.deepEqual(output, last.response.output);
});

Deno.test("what a stream says of its response at first is what it says in the end", async () => {
  const { client } = theSdk();
  const { id } = await client.responses.create({ model: "plain", input: "Hi" });
  const events = await Array.fromAsync(
    await client.responses.create({
      model: "plain",
      input: "And now?",
      previous_response_id: id,
      metadata: { turn: "2" },
      stream: true,
    }),
  );
  const [first, last] = [events[0], events.at(-1)];
  assert.ok(first?.type === "response.created" && last?.type === "response.completed");
  assert.equal(first.response.previous_response_id, id);
  const { status, completed_at, output, usage, ...same } = last.response;
  assert.deepEqual(first.response, {
    ...same,
    status: "in_progress",
    completed_at: null,
    output: [],
    usage: null,
  });
  assert.ok(status === "completed" && completed_at && output.length > 0 && usage);
});

Deno.test("a create that waits is run in place, and answered when its run ends", async () => {
  const sdk = theSdk();
  const before = sdk.stack.stack.mailbox.sent.length;
  const response = await sdk.client.responses.create({
    model: "mail",
    input: "Reply to the invoice mail",
  });
  assert.equal(response.status, "completed");
  assert.equal(sdk.stack.stack.mailbox.sent.length, before + 1);
  assert.ok(isInline((await workersOf(sdk, response.id))[0]));
});

Deno.test("the native door runs in place what is kept out of background and waited for", async () => {
  const sdk = theSdk();
  const { stack } = sdk;
  const { body } = await stack.submit("plain", "Hi", { background: false, wait: 20 });
  assert.equal(body.status, "completed");
  assert.ok(isInline((await readAttempts(stack.sql, String(body.id)))[0]?.worker));
  const queued = await stack.submit("plain", "Hi", { background: false });
  await stack.finished(queued.id);
  assert.ok(!isInline((await readAttempts(stack.sql, queued.id))[0]?.worker));
});

Deno.test("the caller may leave: the run continues in place", async () => {
  const sdk = theSdk();
  const { stream, iterator, id } = await streamed(sdk, long);
  await readUntil(iterator, ({ type }) => type === "response.output_text.delta");
  stream.controller.abort();
  assert.equal((await polled(sdk.client, id)).status, "completed");
  const workers = await workersOf(sdk, id);
  assert.ok(workers.length === 1 && isInline(workers[0]), String(workers));
});

Deno.test("as many as the concurrency run in place; what comes then is queued, and followed", async () => {
  const sdk = theSdk();
  const fourAtOnce = async () => {
    const all = await Promise.all(Array.from({ length: 4 }, () => streamed(sdk, long)));
    const ends = await Promise.all(all.map(async ({ iterator, seen }) => [
      ...seen,
      ...await rest(iterator),
    ]));
    for (const events of ends) {
      assert.equal(events.at(-1)?.type, "response.completed");
      assert.ok(events.filter(({ type }) => type === "response.output_text.delta").length > 60);
    }
    const workers = await Promise.all(all.map(({ id }) => workersOf(sdk, id)));
    const inPlace = workers.filter(([worker]) => isInline(worker)).length;
    assert.ok(inPlace <= 2, `${inPlace} in place`);
    return inPlace;
  };
  // The run of the test before may have its place a moment longer than its job.
  await eventually("two in place", fourAtOnce, (inPlace) => inPlace === 2);
});

Deno.test("a credential is masked in what is shown, whatever pieces it comes in", async () => {
  const sdk = theSdk();
  const secret = sdk.stack.stack.workerSecret;
  const { iterator, id } = await streamed(sdk, `[[plan: text it is ${secret} indeed]]`);
  const events = await rest(iterator);
  assert.equal(textOf(events), "it is *** indeed");
  assert.ok(!JSON.stringify(events).includes(secret));
  const kept = await sdk.stack.sql`
    select events from durable_responses.stream_events where job_id = ${jobOf({ id })}`;
  assert.ok(kept.length > 0 && !JSON.stringify(kept).includes(secret));
});

Deno.test("a database that takes no events stops neither run nor stream, and has them all when it is back", async () => {
  const sdk = theSdk();
  const { proxy } = sdk.stack;
  let refused = 0;
  proxy.intercept = (path) =>
    path.endsWith("/rpc/append_response_events") && ++refused < 4
      ? Response.json({ message: "away" }, { status: 503 })
      : undefined;
  try {
    const { iterator, seen, id } = await streamed(sdk, long);
    seen.push(...await rest(iterator));
    assert.equal(seen.at(-1)?.type, "response.completed");
    assert.ok(refused > 2, "it was refused");
    const again = await Array.fromAsync(await sdk.client.responses.retrieve(id, { stream: true }));
    assert.deepEqual(again.slice(2), seen.slice(2));
  } finally {
    proxy.intercept = undefined;
  }
});

Deno.test("another user sees nothing of a stream", async () => {
  const sdk = theSdk();
  const { iterator, id } = await streamed(sdk, long);
  const other = sdk.clientWith({ apiKey: (await sdk.stack.stack.createUser()).token });
  await assert.rejects(other.responses.retrieve(id, { stream: true }), { status: 404 });
  await rest(iterator);
});

Deno.test("a cancel ends a run in place that is writing, and its stream", async () => {
  const sdk = theSdk();
  const { iterator, seen, id } = await streamed(sdk, "[[plan: text 2000 deltas]] Talk");
  seen.push(...await readUntil(iterator, ({ type }) => type === "response.output_text.delta"));
  await sdk.client.responses.cancel(id);
  await assert.rejects(rest(iterator), { code: "response_cancelled" });
  await eventually(
    "OpenAI writes no more",
    () => sdk.stack.openai.openStreams() === 0,
  );
});

Deno.test("a run in place that fails for now is tried again at once, with no cron, and its stream continues", async () => {
  const sdk = theSdk();
  const { stack } = sdk;
  stack.openai.faults.add({
    kind: "cut-mid-stream",
    times: 1,
    afterType: "response.output_text.delta",
    nth: 20,
  });
  const { iterator, seen, id } = await streamed(sdk, long);
  seen.push(...await rest(iterator));
  assert.equal(seen.at(-1)?.type, "response.completed");
  assert.deepEqual(await summarizeAttempts(stack.sql, jobOf({ id })), [
    "synchronous failed stream_cut",
    "synchronous completed",
  ]);
  const items = seen.flatMap((event) =>
    event.type === "response.output_item.done" && event.item.type === "message" ? [event.item] : []
  );
  assert.deepEqual(items.map(({ status }) => status), ["incomplete", "completed"]);
});

Deno.test("a function that dies after a mail: another worker continues, one mail, and no text twice", async () => {
  const sdk = theSdk();
  const { stack } = sdk;
  const before = stack.stack.mailbox.sent.length;
  const { iterator, seen, id } = await streamed(
    sdk,
    `Reply to the invoice mail [[plan: ${findEmail("invoice")}; ${
      replyToEmail("Paid.")
    }; text 120 deltas]]`,
    "mail",
  );
  seen.push(...await readUntil(iterator, ({ type }) => type === "response.output_text.delta"));
  // Wait until what was shown so far is written.
  const job = jobOf({ id });
  await eventually("some text is written", async () => {
    const rows = await stack.sql`
      select from durable_responses.stream_events where job_id = ${job} and events like '%output_text.delta%'`;
    return rows.length > 0;
  });
  await stack.stack.edge.kill("respond");
  await assert.rejects(rest(iterator));
  await expireLease(stack.sql, job);
  await eventually("another worker has it", async () => {
    await stack.wake();
    return (await readJob(stack.sql, job)).attempt === 2;
  }, { everyMs: 100 });
  assert.equal((await stack.finished(job)).status, "completed");
  assert.equal(stack.stack.mailbox.sent.length, before + 1);

  const events = await Array.fromAsync(await sdk.client.responses.retrieve(id, { stream: true }));
  const numbers = events.map((event) => event.sequence_number);
  assert.deepEqual(numbers, [...new Set(numbers)].sort((a, b) => a - b));
  const done = events.flatMap((event) =>
    event.type === "response.output_item.done" && event.item.type === "message" ? [event.item] : []
  );
  assert.deepEqual(done.map(({ status }) => status), ["incomplete", "completed"]);
  const { output_text } = await sdk.client.responses.retrieve(id);
  const ofItem = (item: string) =>
    textOf(events.filter((event) => "item_id" in event && event.item_id === item));
  assert.equal(ofItem(done[1]?.id ?? ""), output_text);
  const part = z.object({ text: z.string() }).parse(done[0]?.content[0]);
  assert.equal(ofItem(done[0]?.id ?? ""), part.text);
  const helped = await sdk.client.responses.stream({ response_id: id }).finalResponse();
  assert.equal(helped.output_text, output_text);
});
