/** Approval conditions that hang: the person is asked, and nothing waits for the condition. */
import assert from "node:assert/strict";
import { z } from "zod";
import { tool } from "../../../supabase/functions/_durable_responses/mod.ts";
import { isAskedAbout } from "../../../supabase/functions/_durable_responses/tools/conditions.ts";
import { EffectRules } from "../../../supabase/functions/_durable_responses/tools/effect-rules.ts";
import { functionTool } from "../../../supabase/functions/_durable_responses/tools/own/function-tool.ts";
import { judgeCalls } from "../../../supabase/functions/_durable_responses/tools/own/judge-calls.ts";

const hangs = () => new Promise<boolean>(() => {});
/** Time limits in ms: short for conditions that never answer, and a minute for the others. */
const short = 50;
const minute = 60_000;

Deno.test("an approve_when that hangs asks the person; one that answers decides", async () => {
  const when = { hangs, yes: () => true, no: () => Promise.resolve(false) };
  const asked = (name: string, ms: number) => isAskedAbout(when, "server", name, "{}", ms);
  assert.equal(await asked("hangs", short), true);
  assert.equal(await asked("yes", minute), true);
  assert.equal(await asked("no", minute), false);
  assert.equal(await asked("other", minute), undefined);
});

Deno.test("arguments that can be read in two ways are no condition's to judge", async () => {
  const when = { small: ({ amount }: Record<string, unknown>) => Number(amount) > 50 };
  const asked = (args: string) => isAskedAbout(when, "server", "small", args, minute);
  assert.equal(await asked('{"amount": 20}'), false);
  assert.equal(await asked('{"amount": 80, "amount": 20}'), true);
  assert.equal(await asked('{"amount": 20, "account": 90071992547409931}'), true);
  assert.equal(await asked("[20]"), true);
  assert.equal(await asked("{"), true);
});

function judged(needsApproval: () => Promise<boolean>, conditionMs: number) {
  const pay = functionTool(tool({
    name: "pay",
    description: "Pays.",
    inputSchema: z.object({ euro: z.number() }),
    needsApproval,
    execute: () => "paid",
  }));
  const asked = [1, 2, 3].map((euro) => ({
    item: {
      type: "function_call",
      id: `fc_${euro}`,
      call_id: `call_${euro}`,
      name: "pay",
      arguments: JSON.stringify({ euro }),
    },
    stepId: `fc_${euro}`,
  }));
  const id = crypto.randomUUID();
  return judgeCalls(asked, {
    work: { id, attempt: 1, owner_id: null, first_id: id, steps: [], run_since: 1 },
    tools: {
      body: { model: "gpt-6.1-sol", input: "pay" },
      find: (name) => name === "pay" ? pay : undefined,
      isCallers: () => false,
      warnings: [],
      close: () => Promise.resolve(),
    },
    effects: new EffectRules({}),
    conditionMs,
  });
}

Deno.test("a needsApproval that hangs asks the person about each call; one that answers decides", async () => {
  const kinds = async (needsApproval: () => Promise<boolean>, ms: number) =>
    (await judged(needsApproval, ms)).map(({ kind }) => kind);
  assert.deepEqual(await kinds(hangs, short), ["ask", "ask", "ask"]);
  assert.deepEqual(await kinds(() => Promise.resolve(false), minute), ["make", "make", "make"]);
});

Deno.test("the calls of a response have their conditions asked together", async () => {
  const { promise: all, resolve } = Promise.withResolvers<boolean>();
  let begun = 0;
  const whenAllHaveBegun = () => {
    if (++begun === 3) resolve(false);
    return all;
  };
  const ends = await judged(whenAllHaveBegun, minute);
  assert.deepEqual(ends.map(({ kind }) => kind), ["make", "make", "make"]);
});
