/** Calls that OpenAI leaves to whoever asks: what the stand-in makes of a plan, and which answers it takes. */
import assert from "node:assert/strict";
import OpenAI from "openai";
import { withStandIn } from "./openai-fixture.ts";

const model = "gpt-6.1-terra";
const tools: OpenAI.Responses.Tool[] = [
  { type: "custom", name: "draw" },
  { type: "shell", environment: { type: "local" } },
  { type: "computer" },
];
const ask = (plan: string) => ({ model, tools, input: `[[plan: ${plan}]]` });
const refused = (said: RegExp) => (error: unknown) =>
  error instanceof OpenAI.APIError && error.status === 400 && said.test(error.message);

Deno.test("calls of several kinds in one response, each answered by its own kind", async () => {
  await withStandIn(async ({ client }) => {
    const plan = 'call draw {"input":"a circle"}; call shell {"commands":["ls"]}';
    const { id, output } = await client.responses.create(ask(plan));
    const [draw, shell] = output;
    assert.ok(draw?.type === "custom_tool_call" && shell?.type === "shell_call");
    assert.deepEqual([draw.input, shell.action.commands, shell.environment], [
      "a circle",
      ["ls"],
      { type: "local" },
    ]);
    const answer = (...input: OpenAI.Responses.ResponseInputItem[]) =>
      client.responses.create({ model, tools, previous_response_id: id, input });
    const drawn = {
      type: "custom_tool_call_output" as const,
      call_id: draw.call_id,
      output: "drawn",
    };
    const outcome = { type: "exit" as const, exit_code: 0 };
    const listed = {
      type: "shell_call_output" as const,
      call_id: shell.call_id,
      output: [{ stdout: "a.txt", stderr: "", outcome }],
    };
    await assert.rejects(answer(drawn), refused(/No tool output found for shell call/));
    const asText = { type: "function_call_output" as const, call_id: shell.call_id, output: "a" };
    await assert.rejects(answer(drawn, asText), refused(/No tool output found for shell call/));
    await assert.rejects(
      answer(drawn, listed, { ...drawn, call_id: "call_other" }),
      refused(/No tool call found for custom tool call output with call_id call_other/),
    );
    const { output_text } = await answer(drawn, listed);
    assert.match(output_text, /^draw returned: drawn\. shell returned: .*a\.txt/);
  });
});

Deno.test("a screenshot must acknowledge the safety checks, and be an image or a URL", async () => {
  await withStandIn(async ({ client }) => {
    const check = { id: "cu_sc_1", code: "malicious_instructions", message: "Orders" };
    const args = { actions: [{ type: "screenshot" }], pending_safety_checks: [check] };
    const { id, output } = await client.responses.create(
      ask(`call computer ${JSON.stringify(args)}`),
    );
    const [call] = output;
    assert.ok(call?.type === "computer_call");
    assert.deepEqual(call.pending_safety_checks, [check]);
    const answer = (more: object, image_url = "data:image/png;base64,iVBORw==") =>
      client.responses.create({
        model,
        tools,
        previous_response_id: id,
        input: [{
          type: "computer_call_output",
          call_id: call.call_id,
          output: { type: "computer_screenshot", image_url },
          ...more,
        }],
      });
    await assert.rejects(answer({}), refused(/cu_sc_1 .* has not been acknowledged/));
    const acknowledged_safety_checks = [check];
    await assert.rejects(answer({ acknowledged_safety_checks }, "a picture"), refused(/input/));
    await assert.rejects(answer({ acknowledged_safety_checks, storage: {} }), refused(/input/));
    const { output_text } = await answer({ acknowledged_safety_checks });
    assert.match(output_text, /^computer returned: .*computer_screenshot/);
  });
});
