/** Which items of an input are answers to what is asked now. */
import assert from "node:assert/strict";
import { answerItems } from "../../../supabase/functions/_durable_responses/api/openai/answer-items.ts";

type Item = Record<string, unknown>;

/** One letter for each item: a yes, an output, a call, a reference, and messages of user, assistant and developer. */
const kinds: Record<string, Item> = {
  y: { type: "mcp_approval_response" },
  o: { type: "function_call_output" },
  s: { type: "shell_call_output" },
  c: { type: "function_call" },
  r: { type: "item_reference" },
  U: { role: "user", content: "" },
  A: { type: "message", role: "assistant", content: "" },
  D: { role: "developer", content: "" },
};
const inputOf = (letters: string) => [...letters].map((letter) => kinds[letter] ?? {});

/** The input, what answers it has by their places, and where the last message and the last answers are. */
const cases: [string, { approvals: number[]; outputs: number[]; since: number; last: number }][] = [
  ["yo", { approvals: [0], outputs: [1], since: 0, last: 0 }],
  ["oys", { approvals: [1], outputs: [0, 2], since: 0, last: 0 }],
  ["Ucoro", { approvals: [], outputs: [2, 4], since: 1, last: 4 }],
  ["UcoAcory", { approvals: [7], outputs: [2, 5], since: 1, last: 7 }],
  ["UcoyAUcoy", { approvals: [3, 8], outputs: [7], since: 6, last: 7 }],
  ["UcDoy", { approvals: [4], outputs: [3], since: 3, last: 3 }],
  ["Ucor", { approvals: [], outputs: [2], since: 1, last: 2 }],
];
for (const [letters, { approvals, outputs, since, last }] of cases) {
  Deno.test(`${letters} answers`, () => {
    const found = answerItems(inputOf(letters)) ?? assert.fail("it answers nothing");
    assert.deepEqual(
      [found.approvals.map(({ at }) => at), found.outputs.map(({ at }) => at)],
      [approvals, outputs],
    );
    assert.deepEqual([found.since, found.last], [since, last]);
  });
}

for (const letters of ["", "U", "UcoA", "UcoyAU", "UcoD", "Ucr"]) {
  Deno.test(`'${letters}' asks`, () => {
    assert.equal(answerItems(inputOf(letters)), undefined);
  });
}

Deno.test("text asks", () => {
  assert.equal(answerItems("hi"), undefined);
  assert.equal(answerItems(undefined), undefined);
});
