/** Images in a tool's answer, from the ledger back to the model. */
import assert from "node:assert/strict";
import { formsFor } from "../../../supabase/functions/_durable_responses/run/continuation.ts";
import { wholeOutput } from "../../../supabase/functions/_durable_responses/run/rounds.ts";
import { doneStepOf } from "../../../supabase/functions/_durable_responses/tools/own/call-steps.ts";
import type { OutputPart } from "../../../supabase/functions/_durable_responses/tools/own/own-call.ts";

const item = {
  type: "function_call",
  id: "fc_1",
  call_id: "call_1",
  name: "camera__look",
  arguments: "{}",
};
const parts: OutputPart[] = [
  { type: "input_text", text: "A dot:" },
  { type: "input_image", image_url: "data:image/png;base64,AAAA", detail: "auto" },
];
const step = doneStepOf(
  {
    key: { id: "job", attempt: 1 },
    ownerId: null,
    stepId: "fc_1",
    item,
    kind: "function_call",
    callId: "call_1",
    server: "camera",
    tool: "look",
    arguments: "{}",
    callKey: "key",
    effect: "none",
    repeat: 0,
    idempotencyKey: "key",
  },
  1,
  { output: "A dot:\n[picture, 1 kB]", parts },
);

Deno.test("whoever continues gives the model the picture, and OpenAI its own item as it was", () => {
  const told = formsFor({ model: "gpt-6.1-sol", input: "look" }, [step], false);
  assert.ok("forms" in told);
  const [first] = told.forms;
  assert.equal(first?.name, "items");
  assert.deepEqual(first?.body.input, [
    { role: "user", content: "look" },
    item,
    { type: "function_call_output", call_id: "call_1", output: parts },
  ]);
});

Deno.test("a call that the ledger has twice is told once", () => {
  const told = formsFor({ model: "gpt-6.1-sol", input: "look" }, [
    step,
    { ...step, number: step.number + 1, attempt: 2 },
  ], false);
  assert.ok("forms" in told);
  const input: unknown = told.forms[0]?.body.input;
  assert.ok(Array.isArray(input));
  assert.deepEqual(input.map(({ type }) => type), [
    undefined,
    "function_call",
    "function_call_output",
  ]);
});

Deno.test("told in words, and in the result, the picture is named", () => {
  const told = formsFor({ model: "gpt-6.1-sol", input: "look" }, [step], false);
  const message = "forms" in told ? told.forms.find(({ name }) => name === "message") : undefined;
  const text = JSON.stringify(message?.body.input);
  assert.match(text, /\[picture, 1 kB\]/);
  assert.ok(!text.includes("base64"));
  assert.deepEqual(wholeOutput([step], []).map(({ type, output }) => [type, output]), [
    ["mcp_call", "A dot:\n[picture, 1 kB]"],
  ]);
});
