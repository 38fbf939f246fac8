/** Requests for approval with the same id: which call is whose, which yes is left, and what is sent again. */
import assert from "node:assert/strict";
import type { DoneStep } from "../../../supabase/functions/_durable_responses/model/job.ts";
import { carriedItems } from "../../../supabase/functions/_durable_responses/run/carried-items.ts";
import {
  type ApprovedCall,
  ApprovedCalls,
} from "../../../supabase/functions/_durable_responses/tools/approved-calls.ts";
import { approvalsIn } from "../../../supabase/functions/_durable_responses/tools/ledger.ts";
import { callKey } from "../../../supabase/functions/_durable_responses/tools/step-of-item.ts";
import { firstUnapproved } from "../../../supabase/functions/_durable_responses/tools/unapproved-calls.ts";

const argumentsOf = (body: string) => JSON.stringify({ body });
const common = (number: number, attempt: number, body: string) => ({
  number,
  attempt,
  effect: "once" as const,
  server_label: "mailbox",
  tool: "send",
  arguments: argumentsOf(body),
  call_key: callKey("mailbox", "send", argumentsOf(body)),
  output: null,
  error: null,
});

function asked(
  number: number,
  attempt: number,
  body: string,
  approve = true,
  id = "mcpr_0",
): DoneStep {
  const item = {
    type: "mcp_approval_request",
    id,
    server_label: "mailbox",
    name: "send",
    arguments: argumentsOf(body),
  };
  return {
    ...common(number, attempt, body),
    item_id: `${id}#${number}`,
    kind: "mcp_approval_request",
    item,
    answer: { approve },
    answered_by: "guard",
  };
}

function made(
  number: number,
  attempt: number,
  body: string,
  request: string | null = "mcpr_0",
): DoneStep {
  const item = {
    type: "mcp_call",
    id: "mcp_0",
    server_label: "mailbox",
    name: "send",
    arguments: argumentsOf(body),
    output: "sent",
    approval_request_id: request,
  };
  return {
    ...common(number, attempt, body),
    item_id: `mcp_${number}`,
    kind: "mcp_call",
    output: "sent",
    item,
    answer: null,
    answered_by: null,
  };
}

const numbers = (steps: Iterable<DoneStep>) => [...steps].map(({ number }) => number);
const pairs = (steps: DoneStep[]) =>
  [...approvalsIn(steps).made].map(([request, call]) => [request.number, call.number]);

Deno.test("a call is that of the request before it, and each yes is used once", () => {
  const steps = [
    asked(1, 1, "A"),
    made(2, 3, "A"),
    asked(3, 3, "B"),
    made(4, 5, "B"),
    asked(5, 5, "A"),
  ];
  assert.deepEqual(pairs(steps), [[1, 2], [3, 4]]);
  assert.deepEqual(numbers(approvalsIn(steps).pending), [5]);
});

Deno.test("of two requests of one response, the arguments say whose call it is", () => {
  const steps = [asked(1, 1, "A"), asked(2, 1, "B"), made(3, 3, "A")];
  assert.deepEqual(pairs(steps), [[1, 3]]);
  assert.deepEqual(numbers(approvalsIn(steps).pending), [2]);
});

Deno.test("a call that names the yes to another call has used its own", () => {
  const [a, b] = [asked(1, 1, "A", true, "mcpr_a"), asked(2, 1, "B", true, "mcpr_b")];
  const steps = [a, b, made(3, 2, "A", "mcpr_b")];
  assert.deepEqual(pairs(steps), [[1, 3]]);
  assert.deepEqual(numbers(approvalsIn(steps).pending), [2]);
  const call = carriedItems(steps).find(({ type }) => type === "mcp_call");
  assert.equal(call?.["approval_request_id"], "mcpr_a");
});

Deno.test("a call that names a yes that was used before has used its own", () => {
  const steps = [
    asked(1, 1, "A", true, "mcpr_a"),
    made(2, 3, "A", "mcpr_a"),
    asked(3, 3, "B", true, "mcpr_b"),
    made(4, 5, "B", "mcpr_a"),
  ];
  assert.deepEqual(pairs(steps), [[1, 2], [3, 4]]);
  assert.deepEqual(numbers(approvalsIn(steps).pending), []);
});

Deno.test("a call that names another's request is known by its arguments", () => {
  const twins = [asked(1, 1, "A", true, "mcpr_a"), asked(2, 1, "B", true, "mcpr_b")];
  assert.deepEqual(pairs([...twins, made(3, 2, "A", "mcpr_b")]), [[1, 3]]);
  assert.deepEqual(pairs([...twins, made(3, 2, "C", "mcpr_b")]), [[2, 3]]);
  const swapped = [...twins, made(3, 2, "A", "mcpr_b"), made(4, 2, "B", "mcpr_a")];
  assert.deepEqual(pairs(swapped), [[1, 3], [2, 4]]);
  const [call] = carriedItems(swapped).filter(({ type }) => type === "mcp_call");
  assert.equal(call?.["approval_request_id"], "mcpr_a");
});

Deno.test("a call that names no request uses the yes to the same call, and to no other", () => {
  const steps = [asked(1, 1, "A"), asked(2, 1, "B"), made(3, 3, "B", null), made(4, 3, "C", null)];
  assert.deepEqual(pairs(steps), [[2, 3]]);
});

Deno.test("a call that a person has confirmed uses the yes to it", () => {
  const confirmed = { ...made(3, 2, "B"), item: null, item_id: "1:mcp_0_2" };
  assert.deepEqual(pairs([asked(1, 1, "A"), asked(2, 1, "B"), confirmed]), [[2, 3]]);
});

Deno.test("a call that names a request as it was sent again, or as nobody knows it, has used its yes", () => {
  const twins = [asked(1, 1, "A"), asked(2, 1, "B")];
  const [a, b] = [made(3, 3, "B", "mcpr_step_2"), made(4, 3, "A", "mcpr_step_1")];
  assert.deepEqual(pairs([...twins, a, b]), [[2, 3], [1, 4]]);
  assert.deepEqual(pairs([...twins, made(3, 3, "B", "changed")]), [[2, 3]]);
  assert.deepEqual(numbers(approvalsIn([...twins, a, b]).pending), []);
});

Deno.test("a call whose server names no request names it when it is sent again", () => {
  const items = carriedItems([asked(1, 1, "A"), made(2, 3, "A", null)]);
  assert.deepEqual(items.map((item) => item["approval_request_id"] ?? null), [
    null,
    "mcpr_0",
    "mcpr_0",
  ]);
});

Deno.test("a yes that was not used lapses when a later response asks", () => {
  const steps = [asked(1, 1, "A"), asked(2, 3, "A")];
  const { pending, lapsed } = approvalsIn(steps);
  assert.deepEqual([numbers(pending), numbers(lapsed)], [[2], [1]]);
  assert.deepEqual(carriedItems(steps).map(({ id, approval_request_id: of }) => id ?? of), [
    "mcpr_0",
    "mcpr_0",
  ]);
});

Deno.test("whatever is sent again, an answer has exactly one request, and a call names its own", () => {
  const steps = [
    asked(1, 1, "A"),
    made(2, 3, "A"),
    asked(3, 3, "B", false),
    asked(4, 3, "C"),
    {
      ...asked(5, 3, "D"),
      item: { ...asked(5, 3, "D").item, type: "mcp_approval_request", id: null },
    },
  ];
  const items = carriedItems(steps);
  const told = items.filter(({ type }) => type === "mcp_approval_response").map((answer) => {
    const requests = items.filter(({ id }) => id === answer["approval_request_id"]);
    assert.equal(requests.length, 1);
    return `${answer["approve"]} ${requests[0]?.["arguments"]}`;
  });
  assert.deepEqual(told, [
    `true ${argumentsOf("A")}`,
    `false ${argumentsOf("B")}`,
    `true ${argumentsOf("C")}`,
    `true ${argumentsOf("D")}`,
  ]);
  const call = items.find(({ type }) => type === "mcp_call");
  assert.equal(call?.["approval_request_id"], items[0]?.["id"]);
});

Deno.test("an id that could not be stored as it came is replaced by one of ours", () => {
  const items = carriedItems([asked(1, 1, "A", true, "mcpr_\uFFFD")]);
  assert.deepEqual(items.map(({ id, approval_request_id: of }) => id ?? of), [
    "mcpr_step_1",
    "mcpr_step_1",
  ]);
});

Deno.test("a request with an id that the caller's input has gets one of ours, and so do its answer and its call", () => {
  const items = carriedItems([asked(1, 1, "A"), made(2, 3, "A")], new Set(["mcpr_0", "mcp_0"]));
  assert.deepEqual(items.map(({ id, approval_request_id: of }) => [id, of]), [
    ["mcpr_step_1", undefined],
    [undefined, "mcpr_step_1"],
    ["mcp_call_step_2", "mcpr_step_1"],
  ]);
});

Deno.test("two calls with one id are both sent again, and a call that the ledger has twice is not", () => {
  const ids = (...steps: DoneStep[]) => carriedItems(steps).map(({ id }) => id);
  assert.deepEqual(ids(made(1, 1, "A", null), made(2, 1, "B", null)), ["mcp_0", "mcp_call_step_2"]);
  assert.deepEqual(ids(made(1, 1, "A", null), made(2, 2, "A", null)), ["mcp_0"]);
});

Deno.test("two approved calls with one id are told apart when their arguments are there", () => {
  const approved = new ApprovedCalls();
  const calls = ["A", "B"].map((body, index): ApprovedCall => ({
    sentAs: "",
    stepId: `mcp_0_${index}`,
    approvalId: "mcpr_0",
    server: "mailbox",
    tool: "send",
    arguments: argumentsOf(body),
    key: callKey("mailbox", "send", argumentsOf(body)),
    effect: "once",
    ours: true,
  }));
  for (const call of calls) approved.add(call);
  const item = (body: string) => ({ ...made(1, 1, body).item, type: "mcp_call" });
  // The second is made first.
  assert.ok(approved.begin({ ...item("B"), arguments: "" }, "place 0"));
  assert.deepEqual(approved.open, { announced: 1, begun: 1 });
  assert.equal(approved.finish(item("B"), "place 0")?.stepId, "mcp_0_1");
  assert.deepEqual(approved.open, { announced: 1, begun: 0 });
  assert.deepEqual(approved.unseen.map(({ stepId }) => stepId), ["mcp_0_0"]);
  assert.equal(approved.finish(item("C"), "place 1"), calls[0]);
});

Deno.test("arguments that are no text are sent back as text", () => {
  const sentOf = (args: unknown) => {
    const step = asked(1, 1, "A");
    return carriedItems([{ ...step, item: { ...Object(step.item), arguments: args } }])[0]
      ?.["arguments"];
  };
  assert.deepEqual([sentOf({ body: "A" }), sentOf(null), sentOf(5), sentOf("{ }")], [
    '{"body":"A"}',
    "{}",
    "5",
    "{ }",
  ]);
});

Deno.test("a late call with an id of ours had its yes, and one with an unknown id had none", () => {
  const step = (request: string) => ({
    item_id: "mcp_9",
    kind: "mcp_call",
    status: "finished" as const,
    item: { type: "mcp_call", approval_request_id: request },
  });
  assert.equal(firstUnapproved([step("mcpr_step_4")], ["mcpr_0"]), undefined);
  assert.equal(firstUnapproved([step("mcpr_7")], ["mcpr_0"])?.item_id, "mcp_9");
});
