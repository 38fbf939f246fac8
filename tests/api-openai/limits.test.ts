/** What happens when a request outlives the function that holds it open. */
import assert from "node:assert/strict";
import OpenAI from "openai";
import { polled, sdkForFile } from "./support/sdk.ts";

const theSdk = sdkForFile({ wallClockMs: 4_000 });

Deno.test("a create that cannot wait any longer is a 400 that no library repeats, with the response's id", async () => {
  const { client, stack } = theSdk();
  stack.openai.faults.set([{ kind: "stuck-in-progress", times: 1 }]);
  const id = await client.responses.create({ model: "plain", input: "Hi" }).then(
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

Deno.test("a stream that cannot go on ends with an error that says from where to resume", async () => {
  const { client, stack } = theSdk();
  stack.openai.faults.set([]);
  const text = "[[plan: sleep 4500ms; text Good morning]]";
  const stream = await client.responses.create({ model: "default", input: text, stream: true });
  const seen: number[] = [];
  let id = "";
  await assert.rejects(
    async () => {
      for await (const event of stream) {
        seen.push(event.sequence_number);
        if (event.type === "response.created") id = event.response.id;
      }
    },
    (error: unknown) =>
      error instanceof OpenAI.APIError && error.code === "stream_time_over" &&
      error.message.includes(`starting_after: ${seen.at(-1)}`),
  );
  const { status } = await polled(client, id);
  assert.equal(status, "completed");
  const rest = await Array.fromAsync(
    await client.responses.retrieve(id, { stream: true, starting_after: seen.at(-1) ?? -1 }),
  );
  const numbers = [...seen, ...rest.map((event) => event.sequence_number)];
  assert.deepEqual(numbers, [...numbers.keys()]);
});
