/** Waiting for the answer in the same request. */
import assert from "node:assert/strict";
import type { TestStack } from "../../support/stack.ts";

export function testWaiting(theStack: () => TestStack): void {
  Deno.test("a job that is done within wait comes with its result, as 200", async () => {
    const answer = await theStack().submit("plain", "[[plan: text all done]]", { wait: 20 });
    assert.deepEqual([answer.status, answer.body.status], [200, "completed"]);
    assert.equal(answer.body.output_text, "all done");
  });

  Deno.test("Prefer: wait does the same", async () => {
    const { ask } = theStack();
    const body = { query: "[[plan: text all done]]", profile: "plain" };
    const answer = await ask({ body, headers: { prefer: "wait=20" } });
    assert.deepEqual([answer.status, answer.body.output_text], [200, "all done"]);
  });

  Deno.test("a job that is not is 202, says where to look, and is found there", async () => {
    const { submit, ask, fresh, openai, stack } = theStack();
    openai.faults.set([{ kind: "stuck-queued" }]);
    const answer = await submit(fresh("plain"), "hi", { wait: 0.2 });
    openai.faults.clear();
    assert.deepEqual([answer.status, answer.body.status], [202, "background"]);
    const location = answer.headers.get("location") ?? "";
    assert.equal(
      new URL(location, stack.apiUrl).href,
      `${stack.functionsUrl}/respond/${answer.id}`,
    );
    const found = await ask({ path: `/${answer.id}` });
    assert.deepEqual([found.status, found.id], [200, answer.id]);
    await ask({ method: "POST", path: `/${answer.id}/cancel` });
  });
}
