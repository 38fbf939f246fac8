/** A profile's conditions: only `false` lets a call go ahead, and no condition can change the call that it judges. */
import assert from "node:assert/strict";
import { z } from "zod";
import { sqlTool, tool } from "../../../supabase/functions/_durable_responses/mod.ts";
import {
  isAskedAbout,
  saysAsk,
} from "../../../supabase/functions/_durable_responses/tools/conditions.ts";

/** What code without types may answer. */
const odd: readonly unknown[] = [undefined, null, 0, "", "false", NaN, [], {}, () => false];
/** A condition as code without types writes it. */
const answering = (answer: unknown) => (): boolean => Object({ answer }).answer;
const described = { description: "Orders.", inputSchema: z.object({ lines: z.any() }) };
const named = { name: "order", ...described };

Deno.test("an approve_when that does not answer false asks the person", async () => {
  const asked = (order: () => boolean | Promise<boolean>) =>
    isAskedAbout({ order }, "shop", "order", "{}");
  for (const answer of [...odd, true]) {
    assert.equal(await asked(answering(answer)), true, String(answer));
    assert.equal(await asked(() => Promise.resolve(answering(answer)())), true, String(answer));
  }
  assert.equal(await asked(() => false), false);
});

Deno.test("a needsApproval that does not answer false asks the person, and the log says why", async () => {
  const lines: string[] = [];
  const { warn } = console;
  console.warn = (line: string) => void lines.push(line);
  try {
    for (const answer of [...odd, true, false]) {
      const needsApproval = answering(answer);
      for (
        const declared of [
          tool({ ...named, needsApproval, execute: () => "ordered" }),
          sqlTool({ ...named, needsApproval, function: "public.order" }),
        ]
      ) {
        const read = await declared.read({ lines: 1 });
        assert.ok(!("error" in read));
        const asks = await saysAsk("needsApproval", () => read.needsApproval(), { tool: "order" });
        assert.equal(asks, answer !== false, String(answer));
      }
    }
  } finally {
    console.warn = warn;
  }
  assert.equal(lines.length, 2 * odd.length);
  assert.match(
    lines[0] ?? "",
    /needsApproval did not answer true or false, so a person is asked.*"tool":"order","answer":"undefined"/,
  );
});

Deno.test("a condition that changes its input, even too late, changes nothing that is called", async () => {
  const ordered: unknown[] = [];
  const late = Promise.withResolvers<void>();
  const order = tool({
    ...named,
    needsApproval: async (input) => {
      input.lines.length = 0;
      await late.promise;
      input.lines.push("a yacht");
      return false;
    },
    execute: (input) => void ordered.push(input.lines),
  });
  const read = await order.read({ lines: [{ item: "tea" }] });
  assert.ok(!("error" in read));
  assert.equal(await saysAsk("needsApproval", () => read.needsApproval(), {}, 20), true);
  const { lines } = Object(read.input);
  assert.deepEqual(lines, [{ item: "tea" }]);
  late.resolve();
  await late.promise;
  assert.deepEqual(lines, [{ item: "tea" }]);
});

Deno.test("a needsApproval that is neither true, false nor a function is refused when it is declared", () => {
  for (const needsApproval of [null, "yes", 1, {}]) {
    const options = Object({ ...named, needsApproval });
    assert.throws(
      () => tool({ ...options, execute: () => "ordered" }),
      /Cannot make the tool 'order': needsApproval must be true, false or a function: it is/,
    );
    assert.throws(() => sqlTool({ ...options, function: "public.order" }), /needsApproval must be/);
  }
});
