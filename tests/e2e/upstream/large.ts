/** Answers that are larger than the limits. */
import assert from "node:assert/strict";
import { readJob } from "../../support/jobs.ts";
import type { TestStack } from "../../support/stack.ts";
import { createStream, ended, raw, response, stream } from "./answers.ts";
import { answering, outcomeOf, submitUnder } from "./ask.ts";

/** Images as base64, 6 MB each. */
const images = [1, 2, 3].map((n) => ({
  id: `ig_${n}`,
  type: "image_generation_call",
  status: "completed",
  result: "A".repeat(6_000_000),
}));

export function testLargeAnswers(theStack: () => TestStack): void {
  Deno.test("three images that are larger than what is taken end the job at once, with both sizes", async () => {
    const { finished, openai, sql } = theStack();
    const from = openai.requests.length;
    const id = await submitUnder(theStack(), "direct", answering, [
      raw(
        createStream,
        stream(
          { type: "response.created", response: response("in_progress", []) },
          ...images.map((item, output_index) => ({
            type: "response.output_item.done",
            output_index,
            item,
          })),
          ended("completed", images),
        ),
      ),
    ]);
    await finished(id);
    openai.faults.clear();
    const { status, attempts } = await outcomeOf(theStack(), id);
    assert.deepEqual([status, attempts], ["failed", ["synchronous failed answer_too_large"]]);
    assert.match((await readJob(sql, id)).error_message ?? "", /18\d{6} .*16,?000,?000/);
    const creates = openai.requests.slice(from).filter(({ method, path }) =>
      method === "POST" && path === "/v1/responses"
    );
    assert.equal(creates.length, 1);
  });
}
