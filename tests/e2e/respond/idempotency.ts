/** A repeat with the same key is the same job; another request with it is refused. */
import assert from "node:assert/strict";
import { countJobs } from "../../support/jobs.ts";
import type { TestStack } from "../../support/stack.ts";

export function testIdempotency(theStack: () => TestStack): void {
  const post = (body: unknown, key: string, more = {}) =>
    theStack().ask({ body, headers: { "idempotency-key": key }, ...more });

  Deno.test("the same key and body is the same job, whatever the order of its fields", async () => {
    const { sql, openai } = theStack();
    const key = crypto.randomUUID();
    const first = await post({ query: "hi", profile: "plain", metadata: { a: 1, b: 2 } }, key);
    const before = [await countJobs(sql), openai.counts().create];
    const again = await post({ metadata: { b: 2, a: 1 }, profile: "plain", query: "hi" }, key);
    assert.equal(again.id, first.id);
    assert.deepEqual([await countJobs(sql), openai.counts().create], before);
  });

  Deno.test("how long to wait is not part of the request", async () => {
    const key = crypto.randomUUID();
    const first = await post({ query: "hi", profile: "plain" }, key);
    const again = await post({ query: "hi", profile: "plain", wait: 20 }, key);
    assert.deepEqual([again.status, again.id], [200, first.id]);
  });

  Deno.test("many at once are one job and one call to OpenAI", async () => {
    const { openai } = theStack();
    const key = crypto.randomUUID();
    const before = openai.counts().create;
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => post({ query: "at once", profile: "plain" }, key)),
    );
    assert.equal(new Set(answers.map(({ id }) => id)).size, 1);
    assert.equal(openai.counts().create, before + 1);
  });

  Deno.test("the same key with another body is 409, and no row", async () => {
    const { sql } = theStack();
    const key = crypto.randomUUID();
    await post({ query: "hi", profile: "plain" }, key);
    const before = await countJobs(sql);
    const bodies = [
      { query: "ho", profile: "plain" },
      { query: "hi", profile: "direct" },
      { query: "hi", profile: "plain", metadata: { a: 1 } },
    ];
    for (const body of bodies) {
      const answer = await post(body, key);
      assert.deepEqual([answer.status, answer.code], [409, "idempotency_key_reused"]);
    }
    assert.equal(await countJobs(sql), before);
  });

  Deno.test("the key of a job that was deleted is 400, and names it: a repeat does nothing a second time", async () => {
    const { ask, finished, openai } = theStack();
    const key = crypto.randomUUID();
    const body = { query: "hi", profile: "plain" };
    const { id } = await post(body, key);
    await finished(id);
    assert.equal((await ask({ method: "DELETE", path: `/${id}` })).status, 200);
    const before = openai.counts().create;
    const again = await post(body, key);
    assert.deepEqual([again.status, again.code], [400, "job_deleted"]);
    assert.equal(again.body.error?.["job_id"], id);
    assert.match(again.body.error?.hint ?? "", /new idempotency key/);
    assert.equal(again.headers.get("location"), null);
    assert.equal(openai.counts().create, before);
    assert.equal((await post(body, crypto.randomUUID())).status, 202);
  });

  Deno.test("keys of two users have nothing to do with each other", async () => {
    const { stack } = theStack();
    const key = crypto.randomUUID();
    const { token } = await stack.createUser();
    const mine = await post({ query: "hi", profile: "plain" }, key);
    const theirs = await post({ query: "ho", profile: "plain" }, key, { token });
    assert.equal(theirs.status, 202);
    assert.notEqual(theirs.id, mine.id);
  });
}
