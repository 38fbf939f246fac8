/** What happens when a request outlives the function that holds it open. */
import { findEmail } from "../../packages/dev/mcp/mailbox.ts";
import assert from "node:assert/strict";
import OpenAI from "openai";
import { jobIdOf } from "../../supabase/functions/_durable_responses/model/ids.ts";
import { replaceInput } from "../support/job-state.ts";
import { polled, sdkForFile } from "./support/sdk.ts";

const theSdk = sdkForFile({ wallClockMs: 4_000 });

Deno.test("a create that cannot wait any longer is a 400 that no library repeats, with the response's id", async () => {
  const { client } = theSdk();
  const input = "[[plan: sleep 60000ms; text Good morning]]";
  const id = await client.responses.create({ model: "plain", input }).then(
    () => assert.fail("it was answered"),
    (error: unknown) => {
      assert.ok(error instanceof OpenAI.BadRequestError, String(error));
      assert.equal(error.code, "response_in_progress");
      const id = error.headers.get("x-response-id") ?? "";
      assert.ok(error.message.includes(id));
      return id;
    },
  );
  assert.equal((await client.responses.retrieve(id)).status, "in_progress");
});

/**
 * Reads a stream until the function's time is up.
 * @param onItem called with the response's id when an item is finished
 * @returns the response's id, and the numbers that were seen
 */
async function readToTheEndOfTime(
  stream: AsyncIterable<OpenAI.Responses.ResponseStreamEvent>,
  onItem: (id: string) => Promise<void> = () => Promise.resolve(),
) {
  const seen: number[] = [];
  let id = "";
  await assert.rejects(
    async () => {
      for await (const event of stream) {
        seen.push(event.sequence_number);
        if (event.type === "response.created") id = event.response.id;
        if (event.type === "response.output_item.done") await onItem(id);
      }
    },
    (error: unknown) =>
      error instanceof OpenAI.APIError && error.code === "response_in_progress" &&
      Object(error.error).response_id === id &&
      error.message.includes(`starting_after: ${seen.at(-1)}`),
  );
  return { id, seen };
}

/** The rest of a stream has the same numbers as the whole stream. */
async function takeUp(client: OpenAI, id: string, seen: number[]) {
  const { status } = await polled(client, id);
  assert.equal(status, "completed");
  const rest = await Array.fromAsync(
    await client.responses.retrieve(id, { stream: true, starting_after: seen.at(-1) ?? -1 }),
  );
  const whole = await Array.fromAsync(await client.responses.retrieve(id, { stream: true }));
  assert.deepEqual(
    [...seen, ...rest.map((event) => event.sequence_number)],
    whole.map((event) => event.sequence_number),
  );
  const helped = await client.responses.stream({ response_id: id }).finalResponse();
  assert.equal(helped.output_text, "Good morning");
}

Deno.test("a stream that cannot go on ends with an error that says from where to resume", async () => {
  const { client } = theSdk();
  const { id, seen } = await readToTheEndOfTime(
    await client.responses.create({
      model: "default",
      input: "[[plan: sleep 4500ms; text Good morning]]",
      background: true,
      stream: true,
    }),
  );
  await takeUp(client, id, seen);
});

Deno.test("so does the stream of a run in place, which another worker continues", async () => {
  const { client, stack } = theSdk();
  const plan = `[[plan: ${findEmail("invoice")}; sleep 60000ms; text Good morning]]`;
  const { id, seen } = await readToTheEndOfTime(
    await client.responses.create({ model: "mail", input: plan, stream: true }),
    // Before the time is up, because the next worker begins at once.
    (id) => replaceInput(stack.sql, jobIdOf(id) ?? "", plan.replace("60000ms", "1ms")),
  );
  assert.ok(seen.length > 4, "the search was shown");
  await takeUp(client, id, seen);
});
