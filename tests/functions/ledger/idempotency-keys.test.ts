/** Which calls of our tools count as the same call, and so have the same idempotency key. */
import assert from "node:assert/strict";
import { z } from "zod";
import type { DoneStep } from "../../../supabase/functions/_durable_responses/model/job.ts";
import { tool } from "../../../supabase/functions/_durable_responses/mod.ts";
import { EffectRules } from "../../../supabase/functions/_durable_responses/tools/effect-rules.ts";
import {
  doneStepOf,
  type Outcome,
  unknownEnd,
} from "../../../supabase/functions/_durable_responses/tools/own/call-steps.ts";
import { functionTool } from "../../../supabase/functions/_durable_responses/tools/own/function-tool.ts";
import {
  type AskedCall,
  judgeCalls,
} from "../../../supabase/functions/_durable_responses/tools/own/judge-calls.ts";
import type { OwnCall } from "../../../supabase/functions/_durable_responses/tools/own/own-call.ts";

const id = crypto.randomUUID();
const put = functionTool(tool({
  name: "put",
  description: "Puts a note.",
  inputSchema: z.object({ note: z.string() }),
  effect: "idempotent",
  execute: () => "put",
}));

let asked = 0;
const ask = (row?: AskedCall["row"]): AskedCall => {
  const item = {
    type: "function_call",
    id: `fc_${++asked}`,
    call_id: `call_${asked}`,
    name: "put",
    arguments: '{"note":"a"}',
  };
  return { item, stepId: item.id, ...(row && { row }) };
};

async function callsOf(
  calls: AskedCall[],
  { steps = [], attempt = 1, run_since = 1 }: {
    steps?: DoneStep[];
    attempt?: number;
    run_since?: number;
  } = {},
): Promise<OwnCall[]> {
  const judged = await judgeCalls(calls, {
    work: { id, attempt, owner_id: null, first_id: id, steps, run_since },
    tools: {
      body: { model: "gpt-6.1-sol", input: "put" },
      find: (name) => name === "put" ? put : undefined,
      isCallers: () => false,
      warnings: [],
      close: () => Promise.resolve(),
    },
    effects: new EffectRules({}),
  });
  return judged.map(({ call }) => call);
}

const keys = async (...given: Parameters<typeof callsOf>) =>
  (await callsOf(...given)).map(({ idempotencyKey }) => idempotencyKey);

/** The key of a first call, that call as a finished step, and the key of a repeat. */
async function repeated(outcome: Outcome, later: { attempt: number; run_since: number }) {
  const [first] = await callsOf([ask()]);
  assert.ok(first);
  const [again] = await keys([ask()], { steps: [doneStepOf(first, 1, outcome)], ...later });
  return { first: first.idempotencyKey, again };
}

Deno.test("equal calls of one response are different calls, in whatever attempt they are made", async () => {
  const both = await callsOf([ask(), ask()]);
  const [first, second] = both.map(({ idempotencyKey }) => idempotencyKey);
  assert.notEqual(first, second);
  const [one, other] = both;
  assert.ok(one && other);
  // The first has failed. The next attempt makes the second, from its row.
  const failed = doneStepOf(one, 1, { error: "Error: no network" });
  const row = { number: 1, attempt: 1, repeat: other.repeat };
  assert.deepEqual(await keys([ask(row)], { steps: [failed], attempt: 2 }), [second]);
});

Deno.test("a call that was answered and is asked for again is another call", async () => {
  const { first, again } = await repeated({ output: "put" }, { attempt: 1, run_since: 1 });
  assert.notEqual(first, again);
});

for (
  const [what, error] of [
    ["failed", "Error: no network"],
    ["in doubt", unknownEnd("cut")],
  ] as const
) {
  Deno.test(`a call that is ${what} and is asked for again is the same call`, async () => {
    const { first, again } = await repeated({ error }, { attempt: 1, run_since: 1 });
    assert.equal(first, again);
  });
}

Deno.test("a call of a run that was lost and is asked for again is the same call", async () => {
  const { first, again } = await repeated({ output: "put" }, { attempt: 2, run_since: 2 });
  assert.equal(first, again);
});

Deno.test("after an answered and a failed call, a repeat is the failed one", async () => {
  const both = await callsOf([ask(), ask()]);
  const [one, other] = both;
  assert.ok(one && other);
  const steps = [
    doneStepOf(one, 1, { error: "Error: no network" }),
    doneStepOf(other, 2, { output: "put" }),
  ];
  assert.deepEqual(await keys([ask()], { steps }), [one.idempotencyKey]);
});
