/** Lists: by status, page by page, and by text among the newest jobs. */
import assert from "node:assert/strict";
import { searchedJobs } from "../../packages/client/src/index.ts";
import { forFile } from "../support/for-file.ts";
import { startTestStack } from "../support/stack.ts";
import { writeHistory } from "../support/job-history.ts";
import { clientOn } from "./support/client.ts";

/** Ids are ordered by time, as the database makes them. */
const idAt = (ms: number) => {
  const time = ms.toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${"0".repeat(12)}`;
};
const start = Date.parse("2026-01-01T00:00:00Z");
const count = searchedJobs + 5;

/** A user with more jobs than a search covers, one per second. Every hundredth failed. */
const theList = forFile(async (parts) => {
  const { stack, user, sql } = await startTestStack(parts, {});
  const jobs = Array.from({ length: count }, (_, number) => {
    const at = new Date(start + number * 1000).toISOString();
    const failed = number % 100 === 0;
    return {
      id: idAt(start + number * 1000),
      owner_id: user.id,
      profile: "default",
      input: `Question ${number}, 100% sure_thing?`,
      route: "default",
      created_at: at,
      status: failed ? "failed" : "completed",
      finished_at: at,
      attempt: 0,
      ...(failed
        ? { error_code: "openai_policy", error_message: "Cannot answer" }
        : { output: [], output_text: `Answer ${number}` }),
    };
  });
  await writeHistory(sql, { jobs, attempts: [], steps: [] });
  return { stack, user };
});

const numbers = (jobs: readonly { query_text: string | null }[]) =>
  jobs.map(({ query_text }) => Number(/\d+/.exec(query_text ?? "")?.[0]));

Deno.test("pages follow each other without a gap, newest first", async () => {
  const { stack, user } = theList();
  await using client = clientOn(stack, user.token);
  const first = await client.responses.list({ limit: 3 });
  assert.deepEqual(numbers(first.jobs), [count - 1, count - 2, count - 3]);
  const second = await client.responses.list({ limit: 2, cursor: String(first.next) });
  assert.deepEqual(numbers(second.jobs), [count - 4, count - 5]);
});

Deno.test("one status and several narrow the list", async () => {
  const { stack, user } = theList();
  await using client = clientOn(stack, user.token);
  const failed = await client.responses.list({ status: "failed", limit: 2 });
  assert.deepEqual(numbers(failed.jobs), [10_000, 9_900]);
  const both = await client.responses.list({ status: ["failed", "completed"], limit: 2 });
  assert.deepEqual(numbers(both.jobs), [count - 1, count - 2]);
  assert.deepEqual((await client.responses.list({ status: "queued" })).jobs, []);
});

Deno.test("a text is found in questions, answers and errors, page by page, among the newest 10,000", async () => {
  const { stack, user } = theList();
  await using client = clientOn(stack, user.token);
  const find = (search: string, more: object = {}) => client.responses.list({ search, ...more });
  assert.deepEqual(numbers((await find("ANSWER 9999")).jobs), [9_999]);
  assert.deepEqual(numbers((await find("question 5,")).jobs), [5]);
  const policy = await find("openai_policy", { limit: 2 });
  assert.deepEqual(numbers(policy.jobs), [10_000, 9_900]);
  const next = await find("openai_policy", { limit: 2, cursor: policy.next });
  assert.deepEqual(numbers(next.jobs), [9_800, 9_700]);
  assert.deepEqual((await find("Answer 9999", { status: "failed" })).jobs, []);
  // Question 4 is the newest one that the search does not reach.
  assert.deepEqual((await find("question 4,")).jobs, []);
  const [job] = (await find("Answer 77")).jobs;
  assert.deepEqual((await find(String(job?.id).slice(0, 13))).jobs.map(({ id }) => id), [job?.id]);
});

Deno.test("signs of patterns are looked for as they are", async () => {
  const { stack, user } = theList();
  await using client = clientOn(stack, user.token);
  const found = async (search: string) =>
    (await client.responses.list({ search, limit: 1 })).jobs.length;
  assert.deepEqual(
    await Promise.all(["100% sure_", "100%sure", "sure%thing", "sure\\_thing", "*"].map(found)),
    [1, 0, 0, 0, 0],
  );
});

Deno.test("nobody finds another's jobs", async () => {
  const { stack } = theList();
  const stranger = await stack.createUser();
  await using client = clientOn(stack, stranger.token);
  assert.deepEqual((await client.responses.list({ search: "Question" })).jobs, []);
  assert.deepEqual((await client.responses.list()).jobs, []);
});
