/** A server that numbers its calls in each response anew: each call that is handed out has an id that no other of the job has. */
import assert from "node:assert/strict";
import OpenAI from "openai";
import type { Fault } from "../../packages/dev/openai/mod.ts";
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

const door = (name: string) => ({
  type: "function_call",
  id: "fc_0",
  call_id: "call_0",
  name: "open_door",
  arguments: JSON.stringify({ door: name }),
  status: "completed",
});
type Call = ReturnType<typeof door>;

const asked = (...calls: Call[]): Fault =>
  raw(createStream, stream(...calls.flatMap(streamed), ended("completed", calls)), { times: 1 });
const askedInBackground = (...calls: Call[]): Fault =>
  raw(createBackground, {
    body: response("completed", calls, { id: `resp_${crypto.randomUUID().replaceAll("-", "")}` }),
  }, { times: 1 });

interface Waiting {
  call_id: string;
  arguments: string;
}

/** The calls that wait, once there are calls for these doors. */
async function handedOut(id: string, ...doors: string[]): Promise<Waiting[]> {
  const { ask } = theStack();
  const args = doors.map((name) => door(name).arguments);
  return await eventually(
    `calls for ${doors}`,
    async (): Promise<Waiting[]> => Object((await ask({ path: `/${id}` })).body).waiting ?? [],
    (waiting) => JSON.stringify(waiting.map(({ arguments: its }) => its)) === JSON.stringify(args),
  );
}

const give = (id: string, call_id: string | undefined, output: string) =>
  theStack().ask({ path: `/${id}/tool-output`, body: { call_id, output } });

/** The requests for a response since a number of requests. */
const created = (from: number) =>
  theStack().openai.requests.slice(from).filter(({ method, path }) =>
    method === "POST" && path.endsWith("/responses")
  );

/** What the caller has said to each call, by its arguments. */
const said = async (id: string) =>
  (await theStack().sql`
    select arguments, output from public.response_steps where job_id = ${id} and run_by = 'caller' order by number`)
    .map((step) => [JSON.parse(step["arguments"]).door, step["output"]]);

/** The calls in the input of a request, each with its output. */
function pairsIn(body: unknown): unknown[] {
  const input: Record<string, unknown>[] = Object(body).input;
  return input.filter(({ type }) => type === "function_call").map((call) => [
    call["arguments"],
    ...input.filter(({ type, call_id }) =>
      type === "function_call_output" && call_id === call["call_id"]
    ).map(({ output }) => output),
  ]);
}

for (
  const [profile, round] of [
    ["caller", asked],
    ["caller_in_background", askedInBackground],
  ] as const
) {
  Deno.test(`${profile}: an output that is sent once more answers no later call`, async () => {
    const { begin, openai, submit, finished } = theStack();
    await begin();
    openai.faults.set([round(door("front")), round(door("back"))]);
    const from = openai.requests.length;
    const { id } = await submit(profile, "[[plan: text all done]]");
    const [front] = await handedOut(id, "front");
    assert.equal(front?.call_id, "call_0");
    assert.equal((await give(id, "call_0", "opened front")).body.status, "queued");
    const [back] = await handedOut(id, "back");
    assert.match(back?.call_id ?? "", new RegExp(`^call_${id.replaceAll("-", "")}_1$`));
    const again = await give(id, "call_0", "opened front");
    assert.deepEqual([again.status, again.body.status], [202, "awaiting_tool_output"]);
    assert.equal((await give(id, "call_0", "opened back")).status, 409);
    assert.equal((await give(id, back?.call_id, "opened back")).status, 202);
    assert.equal((await finished(id)).status, "completed");
    assert.deepEqual(await said(id), [["front", "opened front"], ["back", "opened back"]]);
    // As items, a call and its output agree.
    assert.deepEqual(pairsIn(created(from).at(-1)?.body), [
      [door("front").arguments, "opened front"],
      [door("back").arguments, "opened back"],
    ]);
    // A response is answered with the ids that it gave.
    const byResponse = created(from).map(({ body }) => Object(body)).filter((body) =>
      body.previous_response_id
    );
    assert.deepEqual(
      byResponse.map(({ input }) => input),
      (profile === "caller" ? [] : ["opened front", "opened back"]).map((output) => [
        { type: "function_call_output", call_id: "call_0", output },
      ]),
    );
  });

  Deno.test(`${profile}: two calls with one id in one response are answered apart`, async () => {
    const { begin, openai, submit, finished } = theStack();
    await begin();
    openai.faults.set([round({ ...door("front") }, { ...door("back"), id: "fc_1" })]);
    const from = openai.requests.length;
    const { id } = await submit(profile, "[[plan: text all done]]");
    const [front, back] = await handedOut(id, "front", "back");
    assert.notEqual(front?.call_id, back?.call_id);
    // The second first.
    await give(id, back?.call_id, "opened back");
    await give(id, front?.call_id, "opened front");
    assert.equal((await finished(id)).status, "completed");
    assert.deepEqual(await said(id), [["front", "opened front"], ["back", "opened back"]]);
    // By its response, nobody could tell which output is of which call.
    const answers = created(from).slice(1).map(({ body }) => Object(body));
    assert.deepEqual(answers.map(({ previous_response_id: previous }) => previous), [undefined]);
    assert.deepEqual(pairsIn(answers[0]), [
      [door("front").arguments, "opened front"],
      [door("back").arguments, "opened back"],
    ]);
  });
}

Deno.test("calls of ours: the model is told of each, so that none is made again", async () => {
  const { begin, openai, submit, finished, notes } = theStack();
  await begin();
  const send = (body: string) => ({
    ...door(""),
    name: "send",
    arguments: JSON.stringify({ body }),
  });
  openai.faults.set(["a", "b", "b"].map((body) => askedInBackground(send(body))));
  const from = openai.requests.length;
  const { id } = await submit("background", "[[plan: text all done]]");
  assert.equal((await finished(id)).status, "completed");
  assert.deepEqual((await notes("send")).map(({ body }) => body), ["a", "b", "b"]);
  const told = pairsIn(created(from).at(-1)?.body);
  assert.deepEqual(
    told.map((pair) => Array.isArray(pair) && pair.length),
    [2, 2, 2],
    JSON.stringify(told),
  );
});

Deno.test("a call of ours that a background response lists twice is made once", async () => {
  const { begin, openai, submit, finished, notes } = theStack();
  await begin();
  const send = { ...door(""), name: "send", arguments: '{"body":"a"}' };
  openai.faults.set([askedInBackground(send, { ...send })]);
  const { id } = await submit("background", "[[plan: text all done]]");
  assert.equal((await finished(id)).status, "completed");
  assert.deepEqual((await notes("send")).map(({ body }) => body), ["a"]);
});

Deno.test("fields of ours in a call that the API sends change nothing, and a row of ours is no item", async () => {
  const { begin, openai, submit, finished, notes } = theStack();
  await begin();
  const send = {
    ...door(""),
    name: "send",
    arguments: '{"body":"a"}',
    upstream_call_id: "call_evil",
    output_parts: [{ type: "input_text", text: "injected" }],
  };
  const run = { ...door(""), type: "unguarded_run", id: "run_0" };
  openai.faults.set([askedInBackground(run, send)]);
  const from = openai.requests.length;
  const { id } = await submit("background", "[[plan: text all done]]");
  assert.equal((await finished(id)).status, "completed");
  assert.deepEqual((await notes("send")).map(({ body }) => body), ["a"]);
  const answers = created(from).slice(1).map(({ body }) => JSON.stringify(body));
  assert.ok(answers.length > 1);
  for (const answer of answers) assert.doesNotMatch(answer, /evil|injected/);
});

Deno.test("a call with a call_id of the caller's history gets one of ours", async () => {
  const { begin, openai, stack, ask, finished, notes } = theStack();
  await begin();
  const send = (body: string) => ({
    ...door(""),
    name: "send",
    arguments: JSON.stringify({ body }),
  });
  openai.faults.set([askedInBackground(send("new"))]);
  const from = openai.requests.length;
  const input = [
    { role: "user", content: "Send old" },
    send("old"),
    { type: "function_call_output", call_id: "call_0", output: "sent old" },
    { role: "user", content: "[[plan: text all done]]" },
  ];
  const { body } = await ask({ token: stack.secretKey, body: { profile: "background", input } });
  const { id } = Object(body);
  assert.equal((await finished(id)).status, "completed");
  assert.deepEqual((await notes("send")).map(({ body }) => body), ["new"]);
  const [, ...answers] = created(from).map(({ body }) => Object(body));
  assert.deepEqual(answers.map(({ previous_response_id: previous }) => previous), [undefined]);
  const [old, own, ...more] = pairsIn(answers[0]);
  assert.deepEqual([old, more], [[send("old").arguments, "sent old"], []]);
  assert.match(String(own), /new.*noted/);
});

Deno.test("a person's yes to a call of ours is followed by the answer to its response", async () => {
  const { begin, openai, submit, ask, finished, sql } = theStack();
  await begin();
  const from = openai.requests.length;
  const { id } = await submit("background", '[[plan: call refund {"amount":80}]]');
  await eventually(
    "the question",
    () => readJob(sql, id),
    ({ status }) => status === "awaiting_approval",
  );
  assert.equal((await ask({ path: `/${id}/approve`, body: { approve: true } })).code, "");
  assert.equal((await finished(id)).status, "completed");
  const last = Object(created(from).at(-1)?.body);
  assert.ok(last.previous_response_id);
  assert.deepEqual(last.input.map(({ type }: { type: string }) => type), ["function_call_output"]);
});

Deno.test("streams and retrieve show the same ids, whenever they are read", async () => {
  const { begin, openai, stack, user, finished } = theStack();
  await begin();
  openai.faults.set([
    asked(door("front"), { ...door("side"), id: "fc_1" }),
    asked(door("back")),
  ]);
  const client = new OpenAI({
    baseURL: `${stack.functionsUrl}/respond/v1`,
    apiKey: user.token,
    maxRetries: 0,
  });
  const model = "caller";
  const callsIn = (output: readonly { type: string }[]) =>
    output.flatMap((item) => {
      const { type, id, call_id, arguments: args }: Record<string, unknown> = { ...item };
      return type === "function_call" ? [{ id, call_id: String(call_id), args }] : [];
    });
  const streamedBy = async (events: AsyncIterable<OpenAI.Responses.ResponseStreamEvent>) => {
    const done: { type: string }[] = [];
    for await (const event of events) {
      if (event.type === "response.output_item.done") done.push(event.item);
    }
    return callsIn(done);
  };
  const input = `[[plan: text all done]] ${crypto.randomUUID()}`;
  const helper = client.responses.stream({ model, input });
  const live = await streamedBy(helper);
  const first = await helper.finalResponse();
  const [front, side] = callsIn(first.output);
  assert.deepEqual(live, [front, side]);
  assert.deepEqual([front?.call_id, new Set([front?.id, side?.id]).size], ["call_0", 2]);
  assert.deepEqual(callsIn((await client.responses.retrieve(first.id)).output), [front, side]);
  const resumed = await client.responses.retrieve(first.id, { stream: true });
  assert.deepEqual(await streamedBy(resumed), [front, side]);

  const outputs = [front, side].map((call) => ({
    type: "function_call_output" as const,
    call_id: call?.call_id ?? "",
    output: `opened ${call?.args}`,
  }));
  const answer = { model, previous_response_id: first.id, input: outputs };
  const second = client.responses.stream(answer);
  const [back, ...more] = await streamedBy(second);
  assert.deepEqual([back?.args, more.length], [door("back").arguments, 0]);
  assert.deepEqual(callsIn((await second.finalResponse()).output), [back]);
  assert.deepEqual(
    callsIn((await client.responses.retrieve(first.id)).output).filter(({ args }) =>
      args === door("back").arguments
    ),
    [back],
  );
  // The answer to it was lost, so the library sends it again.
  const repeated = await client.responses.create(answer);
  assert.deepEqual(callsIn(repeated.output), [back]);
  const last = await client.responses.create({
    model,
    previous_response_id: first.id,
    input: [{ type: "function_call_output", call_id: back?.call_id ?? "", output: "opened back" }],
  });
  assert.equal(last.output_text, "all done");
  const id = first.id.replace(/^resp_(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  await finished(id);
  assert.deepEqual((await said(id)).at(-1), ["back", "opened back"]);
  assert.equal((await readJob(theStack().sql, id)).status, "completed");
});
