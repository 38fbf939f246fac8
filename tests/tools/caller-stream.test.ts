/** A call that the caller makes, in a stream: its arguments come as they are written, its end when the job waits for it. */
import assert from "node:assert/strict";
import OpenAI from "openai";
import { fastTimings } from "../../packages/dev/openai/mod.ts";
import { readJob } from "../support/jobs.ts";
import { toolsStackForFile } from "./support/tools-stack.ts";

// Slow enough that the job can be read in the middle of the arguments.
const theStack = toolsStackForFile({ openaiTimings: { ...fastTimings, argumentsMs: 1_500 } });
type Event = OpenAI.Responses.ResponseStreamEvent;

const clientOf = () =>
  new OpenAI({
    baseURL: `${theStack().stack.functionsUrl}/respond/v1`,
    apiKey: theStack().user.token,
    maxRetries: 0,
  });
const door = '{"door":"the one at the end of the corridor, behind the second staircase"}';
/** A new question each time, because the same one again, before its answer is read, would be the same job. */
const asking = (plan = `call open_door ${door}`) => ({
  model: "caller",
  input: `[[plan: ${plan}]] ${crypto.randomUUID()}`,
});
const jobOf = (id: string) =>
  id.replace(/^resp_(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
const short = (types: string[]) => types.map((type) => type.replace("response.", ""));

function callIn<T extends { type: string }>({ output }: { output: T[] }) {
  const calls = output.filter((item): item is Extract<T, { type: "function_call" }> =>
    item.type === "function_call"
  );
  assert.equal(calls.length, 1);
  return calls[0] ?? assert.fail();
}

Deno.test("arguments come in pieces while the run goes on; the helper's snapshots grow; the answer continues it", async () => {
  const client = clientOf();
  const events: string[] = [];
  const snapshots: string[] = [];
  let status: string | undefined;
  const stream = client.responses.stream(asking()).on(
    "response.function_call_arguments.delta",
    ({ snapshot }) => snapshots.push(snapshot),
  );
  for await (const event of stream) {
    if (events.at(-1) !== event.type) events.push(event.type);
    if (event.type !== "response.function_call_arguments.delta" || status !== undefined) continue;
    const [row] = await theStack().sql`
      select job_id from durable_responses.waits where status = 'running' limit 1`;
    status = row && (await readJob(theStack().sql, row["job_id"])).status;
  }
  assert.equal(status, "running");
  assert.deepEqual(short(events), [
    "created",
    "in_progress",
    "output_item.added",
    "function_call_arguments.delta",
    "function_call_arguments.done",
    "output_item.done",
    "completed",
  ]);
  assert.ok(snapshots.length > 3);
  assert.ok(snapshots.every((text, index) => text.startsWith(snapshots[index - 1] ?? "")));
  assert.equal(snapshots.at(-1), door);
  const response = await stream.finalResponse();
  const call = callIn(response);
  assert.deepEqual([call.arguments, call.status], [door, "completed"]);
  const { parsed_arguments: _, ...plain } = call;
  assert.deepEqual(callIn(await client.responses.retrieve(response.id)), plain);

  // The one who answers gets what follows, and no call that has already been made.
  const output = { type: "function_call_output" as const, call_id: call.call_id, output: "open" };
  const answer = client.responses.stream({
    model: "caller",
    previous_response_id: response.id,
    input: [output],
  });
  const after = await Array.fromAsync(answer);
  assert.deepEqual(
    after.flatMap((event) => "item" in event ? [event.item.type] : []),
    ["message", "message"],
  );
  const final = await answer.finalResponse();
  assert.deepEqual([final.id, final.output_text], [response.id, "open_door returned: open."]);
  assert.equal(final.output.length, 1);
  const replayed = client.responses.stream({ response_id: response.id });
  assert.equal((await replayed.finalResponse()).output_text, "open_door returned: open.");
});

Deno.test("a reader in another isolate sees the same pieces, and the same end", async () => {
  const client = clientOf();
  const seen: Event[] = [];
  let late: Promise<Event[]> | undefined;
  for await (const event of await client.responses.create({ ...asking(), stream: true })) {
    seen.push(event);
    if (event.type !== "response.function_call_arguments.delta" || late) continue;
    const [created] = seen;
    assert.ok(created?.type === "response.created");
    // The worker that is streaming gets no other request.
    const again = await client.responses.retrieve(created.response.id, { stream: true });
    late = Array.fromAsync(again);
  }
  const elsewhere = await late;
  assert.ok(theStack().stack.edge.workers().filter((one) => one.function === "respond").length > 1);
  assert.deepEqual(elsewhere?.slice(2), seen.slice(2));
  assert.ok(seen.filter(({ type }) => type.endsWith("arguments.delta")).length > 3);
  assert.equal(seen.at(-1)?.type, "response.completed");
});

Deno.test("the item's id, as it was streamed, names the call in the next turn", async () => {
  const client = clientOf();
  const first = await client.responses.stream(asking()).finalResponse();
  const { id, call_id } = callIn(first);
  const output = { type: "function_call_output" as const, call_id, output: "open" };
  const reference = { type: "item_reference" as const, id: id ?? "" };
  const early = { model: "caller", input: [reference, { role: "user" as const, content: "And?" }] };
  await assert.rejects(client.responses.create(early), /waits for its answer/);
  const done = await client.responses.create({
    model: "caller",
    previous_response_id: first.id,
    input: [output],
  });
  assert.equal(done.id, first.id);
  const next = await client.responses.create({
    model: "caller",
    input: [reference, output, { role: "user", content: "And now?" }],
  });
  assert.equal(next.status, "completed");
});

Deno.test("a call of ours is shown when it is made, and never as one for the caller", async () => {
  const stream = await clientOf().responses.create({
    ...asking('call look {"body":"behind the curtain and under the sofa"}'),
    stream: true,
  });
  const events = await Array.fromAsync(stream);
  assert.ok(!JSON.stringify(events).includes("function_call"));
  const kinds = events.flatMap((event) =>
    event.type === "response.output_item.done" ? [event.item.type] : []
  );
  assert.deepEqual(kinds, ["mcp_call", "message"]);
});

Deno.test("a person and the caller are asked in one response: both are shown whole at its end", async () => {
  const plan = `call open_door ${door}; call refund {"amount":80}`;
  const response = await clientOf().responses.stream(asking(plan)).finalResponse();
  assert.deepEqual(response.output.map(({ type }) => type).sort(), [
    "function_call",
    "mcp_approval_request",
  ]);
  assert.equal(callIn(response).arguments, door);
});

Deno.test("a run that is lost in the middle of the arguments: its reader is told, and one call is handed out", async () => {
  const { openai, sql } = theStack();
  openai.faults.add({
    kind: "cut-mid-stream",
    times: 1,
    afterType: "response.function_call_arguments.delta",
    nth: 3,
  });
  const client = clientOf();
  const seen: Event[] = [];
  const error = await (async () => {
    for await (const event of await client.responses.create({ ...asking(), stream: true })) {
      seen.push(event);
    }
  })().then(() => undefined, (error) => error);
  assert.ok(error instanceof OpenAI.APIError, String(error));
  assert.equal(error.code, "response_in_progress");
  assert.match(error.message, /must not be made any more/);
  assert.ok(!seen.some(({ type }) => type.endsWith(".done")), "nobody was told to make it");
  const id = /resp_[0-9a-f]{32}/.exec(error.message)?.[0] ?? assert.fail(error.message);

  const rest = await Array.fromAsync(
    await client.responses.retrieve(id, {
      stream: true,
      starting_after: seen.at(-1)?.sequence_number ?? 0,
    }),
  );
  const done = rest.filter(({ type }) => type === "response.output_item.done");
  assert.equal(done.length, 1);
  const final = await client.responses.stream({ response_id: id }).finalResponse();
  const call = callIn(final);
  assert.equal(call.arguments, door);
  // At least: on a busy machine, a worker's life may end in the middle of an attempt.
  assert.ok((await readJob(sql, jobOf(id))).attempt >= 2);
});
