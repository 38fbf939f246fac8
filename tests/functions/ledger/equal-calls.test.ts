/** Which finished call of an earlier run a call is: the very call, or another one with the same arguments. */
import assert from "node:assert/strict";
import { z } from "zod";
import { tool } from "../../../supabase/functions/_durable_responses/mod.ts";
import type { DoneStep } from "../../../supabase/functions/_durable_responses/model/job.ts";
import { EffectRules } from "../../../supabase/functions/_durable_responses/tools/effect-rules.ts";
import { functionTool } from "../../../supabase/functions/_durable_responses/tools/own/function-tool.ts";
import { judgeCalls } from "../../../supabase/functions/_durable_responses/tools/own/judge-calls.ts";
import { callKey } from "../../../supabase/functions/_durable_responses/tools/step-of-item.ts";

const id = crypto.randomUUID();
const args = '{"body":"x"}';
const send = functionTool(tool({
  name: "send",
  description: "Sends.",
  inputSchema: z.object({ body: z.string() }),
  execute: () => "sent",
}));

const itemOf = (number: number) => ({
  type: "function_call",
  id: `fc_${number}`,
  call_id: `call_${number}`,
  name: "send",
  arguments: args,
});

/** A call that attempt 1 has made. */
const done = (call_repeat: number | null): DoneStep => ({
  number: 1,
  attempt: 1,
  item_id: "fc_1",
  kind: "function_call",
  effect: "once",
  server_label: null,
  tool: "send",
  run_by: "worker",
  arguments: args,
  call_key: callKey("", "send", args),
  call_repeat,
  output: "sent",
  error: null,
  item: itemOf(1),
  answer: null,
  answered_by: null,
});

/** What becomes of calls in attempt 2, after attempt 1 was lost. */
async function kinds(steps: DoneStep[], rows: ({ repeat: number } | undefined)[]) {
  const asked = rows.map((row, at) => ({
    item: itemOf(at + 2),
    stepId: `fc_${at + 2}`,
    ...(row && { row: { number: at + 2, attempt: 1, ...row } }),
  }));
  const judged = await judgeCalls(asked, {
    work: { id, attempt: 2, owner_id: null, first_id: id, steps, run_since: 2 },
    tools: {
      body: { model: "gpt-6.1-sol", input: "send" },
      find: () => send,
      isCallers: () => false,
      warnings: [],
      close: () => Promise.resolve(),
    },
    effects: new EffectRules({}),
  });
  return judged.map(({ kind }) => kind);
}

Deno.test("a call that waits beside an equal one that is done is made", async () => {
  assert.deepEqual(await kinds([done(0)], [{ repeat: 1 }]), ["make"]);
  assert.deepEqual(await kinds([done(1)], [{ repeat: 0 }]), ["make"]);
});

Deno.test("the very call is not made again, whoever asks for it", async () => {
  assert.deepEqual(await kinds([done(0)], [undefined]), ["refuse"]);
  assert.deepEqual(await kinds([done(0)], [{ repeat: 0 }]), ["refuse"]);
});

Deno.test("a model that is asked again and wants two gets the one that is missing", async () => {
  assert.deepEqual(await kinds([done(0)], [undefined, undefined]), ["refuse", "make"]);
  assert.deepEqual(await kinds([done(0), done(1)], [undefined, undefined]), ["refuse", "refuse"]);
});

Deno.test("a call whose place among equal ones is not known is taken for any of them", async () => {
  assert.deepEqual(await kinds([done(null)], [{ repeat: 1 }]), ["refuse"]);
});
