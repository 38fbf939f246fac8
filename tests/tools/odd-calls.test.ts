/** Calls as a model, or a server in its place, may write them: odd ids, odd names, ambiguous arguments. */
import assert from "node:assert/strict";
import { createStream, ended, raw, stream, streamed } from "../e2e/upstream/answers.ts";
import { eventually } from "../support/eventually.ts";
import { readJob } from "../support/jobs.ts";
import { sharedTools } from "./support/tools-stack.ts";

const theStack = sharedTools();

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
async function ranWith(profile: string, calls: ({ type: string } & Record<string, unknown>)[]) {
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
    select status, error from public.response_steps where job_id = ${id} and run_by is not null order by number`;
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
  Deno.test(`a call for the caller whose call_id is ${name} is handed out with one of ours`, async () => {
    const { begin, openai, submit, ask, finished, sql } = theStack();
    await begin();
    const item = call("open_door", '{"door":"1"}', { call_id });
    openai.faults.set([
      raw(createStream, stream(...streamed(item, 0), ended("completed", [item])), { times: 1 }),
    ]);
    const { id } = await submit("caller", "[[plan: text all done]]");
    await eventually(
      "the call to be handed out",
      () => readJob(sql, id),
      ({ status }) => status === "awaiting_tool_output",
    );
    const [waiting] = Object((await ask({ path: `/${id}` })).body).waiting;
    assert.match(waiting.call_id, /^call_[0-9a-f]{32}_1$/);
    const body = { call_id: waiting.call_id, output: "open" };
    assert.equal((await ask({ path: `/${id}/tool-output`, body })).body.status, "queued");
    await finished(id);
    const { input } = Object(openai.requests.at(-1)?.body);
    const told = input.slice(-2).map((
      one: Record<string, unknown>,
    ) => [one["type"], one["call_id"]]);
    assert.deepEqual(told, [
      ["function_call", waiting.call_id],
      ["function_call_output", waiting.call_id],
    ]);
  });
}

const shared = { id: "item_1", call_id: "call_1", status: "completed" };
const unoffered = [
  { ...shared, type: "custom_tool_call", name: "draw", input: "a circle" },
  { ...shared, type: "apply_patch_call", operation: { type: "delete_file", path: "a.txt" } },
  { ...shared, type: "local_shell_call", action: { type: "exec", command: ["ls"], env: {} } },
  { ...shared, type: "shell_call", action: { commands: ["ls"] }, environment: { type: "local" } },
  { ...shared, type: "computer_call", actions: [], pending_safety_checks: [{ id: "c" }] },
];
for (const item of unoffered) {
  Deno.test(`a ${item.type} that nothing was offered for is refused, in the form that OpenAI takes`, async () => {
    const { openai } = theStack();
    const from = openai.requests.length;
    const { errors } = await ranWith("direct", [item]);
    const tool = "name" in item ? item.name : item.type.replace(/_call$/, "");
    assert.deepEqual(errors, [`There is no tool '${tool}'`]);
    const { input } = Object(openai.requests[from + 1]?.body);
    const { type, role, content } = input.at(-1);
    if (item.type !== "computer_call") return assert.equal(type, `${item.type}_output`);
    // There is no screenshot to answer it with.
    assert.equal(role, "developer");
    assert.match(content, /There is no tool 'computer'/);
  });
}

Deno.test("a call of OpenAI's shell in its own container is OpenAI's, and stays in the output", async () => {
  const environment = { type: "container_reference", container_id: "cntr_1" };
  const outcome = { type: "exit", exit_code: 0 };
  const { begin, openai, submit, finished, steps } = theStack();
  await begin();
  const items = [
    { ...shared, type: "shell_call", action: { commands: ["ls"] }, environment },
    {
      ...shared,
      id: "item_2",
      type: "shell_call_output",
      output: [{ stdout: "a", stderr: "", outcome }],
    },
    {
      type: "message",
      id: "msg_1",
      role: "assistant",
      status: "completed",
      content: [text("There is a")],
    },
  ];
  const events = items.flatMap((item, place) => streamed(item, place));
  openai.faults.set([
    raw(createStream, stream(...events, ended("completed", items)), { times: 1 }),
  ]);
  const { id } = await submit("direct", "What is there?");
  const job = await finished(id);
  assert.deepEqual([job.status, job.output_text], ["completed", "There is a"]);
  assert.deepEqual((await steps(id)).map(({ kind, run_by }) => [kind, run_by]), [
    ["shell_call", null],
    ["shell_call_output", null],
    ["message", null],
  ]);
  const shown = await theStack().ask({ path: `/v1/responses/resp_${id.replaceAll("-", "")}` });
  assert.deepEqual(Object(shown.body).output.map(({ type }: { type: string }) => type), [
    "shell_call",
    "shell_call_output",
    "message",
  ]);
});

const text = (said: string) => ({ type: "output_text", text: said, annotations: [] });

/** Nothing that could be compressed: an index takes long texts that can be. */
function noise(length: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(length));
  return Array.from(bytes, (byte) => (byte % 36).toString(36)).join("");
}
