/** The platform ends a function early (CPU, memory, a deploy) while it runs a job in place. It only gets `beforeunload`. */
import assert from "node:assert/strict";
import type OpenAI from "openai";
import { jobIdOf } from "../../supabase/functions/_durable_responses/model/ids.ts";
import { replaceInput } from "../support/job-state.ts";
import { summarizeAttempts } from "../support/jobs.ts";
import { sdkForFile } from "./support/sdk.ts";

// The function believes that it has 150 s, so it does not hand over by itself.
const theSdk = sdkForFile({
  wallClockMs: 6_000,
  env: { DURABLE_RESPONSES_WALL_CLOCK_S: "150" },
  openaiTimings: { queuedMs: 5, stepMs: 5, deltaMs: 20 },
});

Deno.test("a function that is about to be ended hands its run over at once, and its stream is taken up", async () => {
  const { client, stack } = theSdk();
  const plan = "[[plan: text 2000 deltas]] Talk";
  const seen: OpenAI.Responses.ResponseStreamEvent[] = [];
  let job: string | undefined;
  let id = "";
  const stream = await client.responses.create({ model: "plain", input: plan, stream: true });
  await assert.rejects(async () => {
    for await (const event of stream) {
      seen.push(event);
      if (event.type !== "response.created") continue;
      id = event.response.id;
      job = jobIdOf(id);
      assert.ok(job);
      // The next worker must be able to finish the job.
      await replaceInput(stack.sql, job, plan.replace("2000", "20"));
    }
  });
  assert.ok(job);
  await stack.finished(job);
  assert.deepEqual(await summarizeAttempts(stack.sql, job), [
    "synchronous handed_over",
    "synchronous completed",
  ]);
  const starting_after = seen.at(-1)?.sequence_number ?? 0;
  seen.push(
    ...await Array.fromAsync(await client.responses.retrieve(id, { stream: true, starting_after })),
  );
  const numbers = seen.map((event) => event.sequence_number);
  assert.deepEqual(numbers, [...new Set(numbers)].sort((a, b) => a - b));
  const items = seen.flatMap((event) =>
    event.type === "response.output_item.done" && event.item.type === "message" ? [event.item] : []
  );
  assert.deepEqual(items.map(({ status }) => status), ["incomplete", "completed"]);
  assert.equal(seen.at(-1)?.type, "response.completed");
});
