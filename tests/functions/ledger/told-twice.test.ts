/** A stream that reports one call twice, first as it was in the middle: the ledger has it once, as it ended. */
import assert from "node:assert/strict";
import type { Item } from "../../../supabase/functions/_durable_responses/model/items.ts";
import { RunReader } from "../../../supabase/functions/_durable_responses/openai/read-run.ts";
import { callKey } from "../../../supabase/functions/_durable_responses/tools/step-of-item.ts";
import { trackerOf } from "./support/tracker.ts";

const args = '{"body":"x"}';
const call = (more: Record<string, unknown> = {}): Item => ({
  type: "mcp_call",
  id: "mcp_1",
  server_label: "mailbox",
  name: "send",
  arguments: args,
  approval_request_id: "mcpr_1",
  output: "sent",
  error: null,
  status: "completed",
  ...more,
});
const begun = call({ status: "in_progress", output: null });
const event = (type: string, item: Item) => ({
  type: `response.output_item.${type}`,
  output_index: 0,
  item,
});
const completed = {
  type: "response.completed",
  response: { id: "resp_1", status: "completed", output: [call()] },
};

/** What a run knows after these events, in which one call that had its yes, or none, is made. */
function after(events: unknown[], hadYes: boolean) {
  const rows = new Map<string, string>();
  const unapproved: Item[] = [];
  let held = 0;
  const tracker = trackerOf({
    save: ({ item_id, status }) => rows.set(item_id, status),
    hold: () => {
      held++;
      return () => held--;
    },
    onUnapproved: (item) => unapproved.push(item),
  });
  const approved = {
    stepId: "mcp_1",
    approvalId: "mcpr_1",
    sentAs: "mcpr_step_1",
    server: "mailbox",
    tool: "send",
    arguments: args,
    key: callKey("mailbox", "send", args),
    effect: "once" as const,
    ours: false,
  };
  if (hadYes) tracker.expect([approved]);
  const reader = new RunReader({
    key: { id: crypto.randomUUID(), attempt: 1 },
    onItemStarted: tracker.onItemStarted,
    onArguments: tracker.onArguments,
    onItem: tracker.onItem,
  });
  const ending = events.map((each) => reader.read(each)).at(-1);
  const output = ending?.kind === "done" ? ending.response.output : undefined;
  return { rows: [...rows.values()], unapproved: unapproved.length, held, output };
}

const twice: Record<string, unknown[]> = {
  "in progress, then completed": [
    event("added", begun),
    event("done", begun),
    event("done", call()),
  ],
  "in progress, and completed only in the whole response": [
    event("added", begun),
    event("done", begun),
  ],
  "completed, then with another field": [
    event("added", begun),
    event("done", call()),
    event("done", call({ created_by: "x" })),
  ],
  "added twice": [event("added", begun), event("added", begun), event("done", call())],
};
for (const hadYes of [true, false]) {
  for (const [what, events] of Object.entries(twice)) {
    Deno.test(`${what}, ${hadYes ? "with" : "without"} a yes: one call, one row`, () => {
      const { output, ...known } = after([...events, completed], hadYes);
      assert.deepEqual(known, { rows: ["finished"], unapproved: hadYes ? 0 : 1, held: 0 });
      assert.equal(output?.length, 1);
    });
  }

  Deno.test(`a call that is said to be done while it is made is held, ${hadYes ? "with" : "without"} a yes`, () => {
    assert.equal(after([event("added", begun), event("done", begun)], hadYes).held, 1);
  });
}
