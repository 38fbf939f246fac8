/** run_by: "caller" for tools other than functions: each call is answered with the item of its own kind. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import OpenAI from "openai";
import { z } from "zod";
import { clientOn } from "../client/support/client.ts";
import { eventually } from "../support/eventually.ts";
import { readJob } from "../support/jobs.ts";
import { downloadsOf, photoOf } from "../support/photo.ts";
import { sharedTools } from "./support/tools-stack.ts";

const theStack = sharedTools();

const png = (bytes: Uint8Array) => `data:image/png;base64,${Buffer.from(bytes).toString("base64")}`;
const screenshot = png(photoOf(1_000));
const check = { id: "cu_sc_1", code: "malicious_instructions", message: "The page gives orders" };
const exit = { type: "exit", exit_code: 0 };

/** What the model asks for, how it is shown, the answer, and what the model says about it. */
const kinds = [
  {
    kind: "custom_tool_call",
    plan: 'call draw {"input":"a circle"}',
    tool: "draw",
    args: "a circle",
    effect: "once",
    answer: { output: "drawn" },
    said: "draw returned: drawn.",
  },
  {
    kind: "apply_patch_call",
    plan: 'call apply_patch {"type":"delete_file","path":"a.txt"}',
    tool: "apply_patch",
    args: '{"operation":{"type":"delete_file","path":"a.txt"}}',
    effect: "once",
    answer: { status: "failed", output: "there is no a.txt" },
    said: "apply_patch returned: there is no a.txt.",
  },
  {
    kind: "local_shell_call",
    plan: 'call local_shell {"command":["ls"]}',
    tool: "local_shell",
    args: '{"action":{"type":"exec","command":["ls"],"env":{}}}',
    effect: "once",
    answer: { output: "a.txt" },
    said: "local_shell returned: a.txt.",
  },
  {
    kind: "shell_call",
    plan: 'call shell {"commands":["ls"],"timeout_ms":1000}',
    tool: "shell",
    args:
      '{"action":{"commands":["ls"],"timeout_ms":1000,"max_output_length":null},"environment":{"type":"local"}}',
    effect: "none",
    answer: { output: [{ stdout: "a.txt", stderr: "", outcome: exit }], max_output_length: 10 },
    said: /^shell returned: \[\{"stdout":"a.txt"/,
  },
  {
    kind: "computer_call",
    plan: `call computer {"actions":[{"type":"screenshot"}],"pending_safety_checks":[${
      JSON.stringify(check)
    }]}`,
    tool: "computer",
    args: JSON.stringify({ actions: [{ type: "screenshot" }], pending_safety_checks: [check] }),
    effect: "idempotent",
    answer: {
      output: { type: "computer_screenshot", image_url: screenshot },
      acknowledged_safety_checks: [check],
    },
    said: /^computer returned: \{"type":"computer_screenshot","image_url":"data:image\/png/,
  },
] as const;

const waitingSchema = z.array(z.looseObject({ kind: z.string(), call_id: z.string() }));
const sentSchema = z.looseObject({
  previous_response_id: z.string().optional(),
  input: z.union([z.string(), z.array(z.looseObject({ type: z.string().optional() }))]),
});

async function handedOut(id: string) {
  const { sql, ask } = theStack();
  await eventually(
    "the call to be handed out",
    () => readJob(sql, id),
    ({ status }) => status === "awaiting_tool_output",
  );
  const [call] = waitingSchema.parse((await ask({ path: `/${id}` })).body["waiting"]);
  return call ?? assert.fail();
}

const submitted = async (plan: string, profile = "callers_tools") =>
  (await theStack().submit(profile, `[[plan: ${plan}]]`)).id;
const give = (id: string, body: unknown, more = {}) =>
  theStack().ask({ path: `/${id}/tool-output`, body, ...more });

function assertSaid(text: string | null, said: string | RegExp): void {
  if (typeof said === "string") assert.equal(text, said);
  else assert.match(text ?? "", said);
}

for (const { kind, plan, tool, args, effect, answer, said } of kinds) {
  Deno.test(`${kind}: handed out whole, answered once by its own kind, in the ledger and at OpenAI`, async () => {
    const { finished, begin, sql, openai } = theStack();
    await begin();
    const id = await submitted(plan);
    const call = await handedOut(id);
    assert.deepEqual([call.kind, call["tool"], call["arguments"]], [kind, tool, args]);

    const wrong = await give(id, { call_id: call.call_id, output: "done" });
    assert.equal(wrong.status, 400);
    assert.match(wrong.body.error?.message ?? "", new RegExp(`it is a ${kind}$`));
    assert.match(wrong.body.error?.hint ?? "", new RegExp(`${kind}_output`));

    const from = openai.requests.length;
    const item = { type: `${kind}_output`, call_id: call.call_id, ...answer };
    const given = await give(id, item);
    assert.deepEqual([given.status, given.body.status], [202, "queued"], JSON.stringify(given));
    const job = await finished(id);
    assert.equal(job.status, "completed", job.error_message ?? "");
    assertSaid(job.output_text, said);

    const [step] = await sql`
      select kind, status, tool, run_by, effect, error from public.response_steps
      where job_id = ${id} and run_by is not null`;
    assert.deepEqual({ ...step }, {
      kind,
      status: "finished",
      tool,
      run_by: "caller",
      effect,
      error: null,
    });
    const { input } = sentSchema.parse(openai.requests[from]?.body);
    assert.ok(Array.isArray(input));
    const { call_id } = call;
    const own = kind === "local_shell_call" ? { id: call_id, call_id } : { call_id };
    assert.deepEqual(input.at(-1), { type: `${kind}_output`, ...own, ...answer });

    assert.equal((await give(id, item)).status, 200, "the same answer again is no news");
  });

  Deno.test(`${kind}: the run goes on in background, with nothing but the answer`, async () => {
    const { finished, begin, openai, sql } = theStack();
    await begin();
    openai.faults.set([{ kind: "background-works" }]);
    const id = await submitted(plan, "callers_tools_in_background");
    const call = await handedOut(id);
    const from = openai.requests.length;
    await give(id, { type: `${kind}_output`, call_id: call.call_id, ...answer });
    const job = await finished(id);
    assert.equal(job.status, "completed", job.error_message ?? "");
    assertSaid(job.output_text, said);
    const sent = openai.requests.slice(from).filter(({ method }) => method === "POST");
    assert.equal(sent.length, 1);
    const { previous_response_id, input } = sentSchema.parse(sent[0]?.body);
    assert.ok(previous_response_id?.startsWith("resp_"));
    assert.deepEqual([input].flat().map((item) => Object(item).type), [`${kind}_output`]);
    const attempts = await sql`
      select mode from public.response_attempts where job_id = ${id} and outcome = 'completed'`;
    assert.deepEqual(attempts.map(({ mode }) => mode), ["background"]);
  });
}

Deno.test("an API that refuses the items is told in words, without the picture", async () => {
  const { finished, begin, openai } = theStack();
  await begin();
  const id = await submitted(kinds[4].plan);
  const { call_id } = await handedOut(id);
  openai.faults.set([{ kind: "refuse-items", times: 1 }]);
  const from = openai.requests.length;
  await give(id, { type: "computer_call_output", call_id, ...kinds[4].answer });
  const job = await finished(id);
  assert.equal(job.status, "completed", job.error_message ?? "");
  const told = JSON.stringify(openai.requests[from + 1]?.body);
  assert.match(told, /An earlier run of this task was interrupted/);
  assert.match(told, /screenshot/);
  assert.ok(!told.includes("base64"));
});

Deno.test("safety checks are acknowledged, or the screenshot is not taken", async () => {
  const { begin } = theStack();
  await begin();
  const id = await submitted(kinds[4].plan);
  const { call_id } = await handedOut(id);
  const { output } = kinds[4].answer;
  const answer = { type: "computer_call_output", call_id, output };
  for (const acknowledged_safety_checks of [undefined, null, [], [{ ...check, id: "another" }]]) {
    const refused = await give(id, { ...answer, acknowledged_safety_checks });
    assert.equal(refused.status, 400);
    assert.match(refused.body.error?.message ?? "", /not acknowledged: cu_sc_1/);
  }
  for (
    const shown of [{}, { image_url: "data:image/png;base64,?" }, { file_id: "f", image_url: "x" }]
  ) {
    const body = { ...answer, output: { type: "computer_screenshot", ...shown } };
    assert.equal((await give(id, body)).status, 400);
  }
});

Deno.test("a screenshot goes to Storage like a photo; only whoever may act on the job answers", async () => {
  const { begin, finished, stack, openai, sql, user } = theStack();
  await begin();
  const id = await submitted('call computer {"action":{"type":"screenshot"}}');
  const { call_id } = await handedOut(id);
  const photo = photoOf(2_000_000);
  const output = { type: "computer_screenshot", image_url: png(photo) };
  const answer = { type: "computer_call_output", call_id, output } as const;
  const { token, id: other } = await stack.createUser();
  assert.equal((await give(id, answer, { token })).status, 404);
  const storage = { bucket: "response_files", path: `${other}/${"0".repeat(64)}.png` };
  const theirs = { ...answer, output: { type: "computer_screenshot", storage } };
  const refused = await give(id, theirs);
  assert.deepEqual([refused.status, refused.code], [400, "file_not_found"]);
  assert.equal((await readJob(sql, id)).status, "awaiting_tool_output", "nothing was taken");

  await using client = clientOn(stack, user.token);
  await client.responses.toolOutput(id, answer);
  const job = await finished(id);
  assert.equal(job.status, "completed", job.error_message ?? "");
  assert.equal(downloadsOf(theStack(), photo), 1);
  const [step] = await sql`
    select output from public.response_steps where job_id = ${id} and run_by is not null`;
  assert.match(step?.["output"], new RegExp(`"path":"${user.id}/[0-9a-f]{64}\\.png"`));
  assert.ok(JSON.stringify(openai.requests.at(-1)?.body).includes("/storage/v1/object/sign/"));
});

Deno.test("a server answers for the user, who continues the conversation with what it showed", async () => {
  const { begin, finished, stack, user } = theStack();
  await begin();
  const id = await submitted('call computer {"action":{"type":"screenshot"}}');
  const { call_id } = await handedOut(id);
  const photo = photoOf(100_000);
  const output = { type: "computer_screenshot", image_url: png(photo) };
  const given = await give(id, { type: "computer_call_output", call_id, output }, {
    token: stack.secretKey,
  });
  assert.equal(given.status, 202, JSON.stringify(given.body));
  assert.equal((await finished(id)).status, "completed");
  const client = new OpenAI({
    baseURL: `${stack.functionsUrl}/respond/v1`,
    apiKey: user.token,
    maxRetries: 0,
  });
  const next = await client.responses.create({
    model: "callers_tools",
    previous_response_id: `resp_${id.replaceAll("-", "")}`,
    input: "And now?",
  });
  assert.equal(next.status, "completed");
  assert.equal(downloadsOf(theStack(), photo), 2);
});

Deno.test("the unchanged openai SDK: the item in the response and in the stream, and its answer", async () => {
  const { begin, stack, user } = theStack();
  await begin();
  const client = new OpenAI({
    baseURL: `${stack.functionsUrl}/respond/v1`,
    apiKey: user.token,
    maxRetries: 0,
  });
  const model = "callers_tools";
  const asking = (plan: string) => ({ model, input: `[[plan: ${plan}]] ${crypto.randomUUID()}` });

  const first = await client.responses.create(asking(kinds[4].plan));
  const [call, ...more] = first.output;
  assert.ok(call?.type === "computer_call" && more.length === 0);
  assert.deepEqual(call.pending_safety_checks, [check]);
  assert.deepEqual(call.actions, [{ type: "screenshot" }]);
  assert.match(call.id, /^cu_/);
  const wrong = { type: "custom_tool_call_output", call_id: call.call_id, output: "x" } as const;
  await assert.rejects(
    client.responses.create({ model, previous_response_id: first.id, input: [wrong] }),
    (error) =>
      error instanceof OpenAI.APIError && error.status === 400 &&
      /computer_call/.test(error.message),
  );
  const next = await client.responses.create({
    model,
    previous_response_id: first.id,
    input: [{
      type: "computer_call_output",
      call_id: call.call_id,
      output: { type: "computer_screenshot", image_url: screenshot },
      acknowledged_safety_checks: call.pending_safety_checks,
    }],
  });
  assert.deepEqual([next.id, next.output.map(({ type }) => type)], [first.id, ["message"]]);

  // A library sends the profile's tools in the form that OpenAI takes.
  const tools: OpenAI.Responses.Tool[] = [
    { type: "custom", name: "draw", description: "Draws" },
    { type: "shell", environment: { type: "local" } },
  ];
  const input = "a circle, and a square around it, and a triangle";
  const stream = client.responses.stream({
    ...asking(`call draw {"input":"${input}"}; call shell {"commands":["ls","pwd"]}`),
    tools,
  });
  const types: string[] = [];
  for await (const { type } of stream) {
    if (types.at(-1) !== type) types.push(type.replace("response.", ""));
  }
  const { id, output } = await stream.finalResponse();
  const [draw, shell] = output;
  assert.ok(draw?.type === "custom_tool_call" && shell?.type === "shell_call");
  assert.deepEqual([draw.input, shell.action.commands], [input, ["ls", "pwd"]]);
  assert.ok(types.includes("custom_tool_call_input.delta"));
  assert.ok(types.indexOf("output_item.done") > types.lastIndexOf("output_item.added"));
  const answered = await client.responses.create({
    model,
    previous_response_id: id,
    input: [
      { type: "custom_tool_call_output", call_id: draw.call_id, output: "drawn" },
      {
        type: "shell_call_output",
        call_id: shell.call_id,
        output: [{ stdout: "a.txt", stderr: "", outcome: { type: "exit", exit_code: 0 } }],
      },
    ],
  });
  assert.match(answered.output_text, /draw returned: drawn\. shell returned: .*a\.txt/);
});

Deno.test("a server's whole request: whoever sends such tools runs them, and answers with the whole conversation", async () => {
  const { begin, stack, openai } = theStack();
  await begin();
  const client = new OpenAI({
    baseURL: `${stack.functionsUrl}/respond/v1`,
    apiKey: stack.secretKey,
    maxRetries: 0,
  });
  const request = {
    model: "gpt-6.1-terra",
    tools: [{ type: "apply_patch" as const }, { type: "local_shell" as const }],
  };
  const question = {
    role: "user" as const,
    content: '[[plan: call apply_patch {"type":"create_file","path":"b","diff":"+b"}]]',
  };
  const first = await client.responses.create({ ...request, input: [question] });
  const [call] = first.output;
  assert.ok(call?.type === "apply_patch_call");
  assert.deepEqual(call.operation, { type: "create_file", path: "b", diff: "+b" });
  const { tools } = z.looseObject({ tools: z.unknown() }).parse(openai.requests.at(-1)?.body);
  assert.deepEqual(tools, request.tools, "OpenAI is told nothing of who runs them");
  const answer = {
    type: "apply_patch_call_output" as const,
    call_id: call.call_id,
    status: "completed" as const,
    output: "written",
  };
  const next = await client.responses.create({ ...request, input: [question, call, answer] });
  assert.deepEqual([next.id, next.output_text], [first.id, "apply_patch returned: written."]);
  const shell = { type: "shell" as const, environment: { type: "container_auto" as const } };
  const hosted = await client.responses.create({ ...request, input: "Hello", tools: [shell] });
  assert.equal(hosted.status, "completed", "a shell in OpenAI's container is OpenAI's to run");
});
