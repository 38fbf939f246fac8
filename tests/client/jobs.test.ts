/** The client on a whole stack: everything but watching. */
import assert from "node:assert/strict";
import {
  createDurableResponses,
  JobCancelledError,
  JobFailedError,
} from "../../packages/client/src/index.ts";
import { clientOn } from "./support/client.ts";
import type { profiles } from "./support/profiles.ts";
import { sharedBusyStack } from "../support/shared-stack.ts";
import { onClientProfiles } from "./support/on-client-profiles.ts";

const theStack = sharedBusyStack(onClientProfiles);
const reply = "Find the latest email about the invoice and reply that it will be paid on Friday";

Deno.test("a query is submitted and its result waited for", async () => {
  const { stack, user } = theStack();
  await using client = clientOn(stack, user.token);
  const job = await client.responses.submit({
    query: "Say hello",
    metadata: { page: "home" },
  });
  const done = await client.responses.result(job.id, { timeout: 20_000 });
  assert.equal(done.status, "completed");
  assert.match(done.output_text, /Say hello/);
  assert.deepEqual(done.metadata, { page: "home" });
  assert.deepEqual(await client.responses.get(job.id), done);
});

Deno.test("with wait the submission itself brings the answer", async () => {
  const { stack, user } = theStack();
  await using client = clientOn(stack, user.token);
  const job = await client.responses.submit({ query: "Say hello" }, {
    wait: 20,
  });
  assert.equal(job.status, "completed");
});

Deno.test("the same key gives the same job, and another query with it is refused", async () => {
  const { stack, user } = theStack();
  await using client = clientOn(stack, user.token);
  const options = { idempotencyKey: crypto.randomUUID() };
  const first = await client.responses.submit({ query: "Once" }, options);
  const second = await client.responses.submit({ query: "Once" }, options);
  assert.equal(second.id, first.id);
  await assert.rejects(client.responses.submit({ query: "Twice" }, options), {
    name: "ConflictError",
    code: "idempotency_key_reused",
  });
});

Deno.test("a profile's schema gives the answer its type", async () => {
  const { stack, user } = theStack();
  await using client = clientOn(stack, user.token);
  const responses = createDurableResponses<typeof profiles>(client.supabase);
  const { id } = await responses.submit({
    query: "The invoice",
    profile: "shaped",
  });
  const job = await responses.result(id, { timeout: 20_000 });
  assert.ok(job.profile === "shaped");
  const subject: string | undefined = job.output_parsed?.subject;
  assert.equal(typeof subject, "string");
});

Deno.test("an approval is asked for, answered, and the job goes on", async () => {
  const { stack, user } = theStack();
  await using client = clientOn(stack, user.token);
  const { responses } = client;
  const { id } = await responses.submit({ query: reply, profile: "careful" });
  for await (
    const update of responses.watch(id, { signal: AbortSignal.timeout(60_000) })
  ) {
    if (update.type !== "job" || update.job.status !== "awaiting_approval") {
      continue;
    }
    const [call] = update.job.waiting ?? [];
    assert.deepEqual([call?.server_label, call?.tool], [
      "mailbox",
      "gmail_reply_to_email",
    ]);
    assert.deepEqual((await responses.get(id)).waiting, update.job.waiting);
    const { request_id } = call ?? {};
    await responses.approve(id, {
      approve: true,
      ...(request_id && { requestId: request_id }),
    });
  }
  assert.equal((await responses.get(id)).status, "completed");
  await assert.rejects(responses.approve(id), {
    name: "ConflictError",
    code: "invalid_state",
  });
});

Deno.test("a cancelled job is told apart, and may be retried as a new one", async () => {
  const { stack, user } = theStack();
  await using client = clientOn(stack, user.token);
  const { responses } = client;
  const { id } = await responses.submit({ query: "[[plan: sleep 20s]] Wait" });
  assert.equal((await responses.cancel(id)).status, "cancelled");
  assert.equal((await responses.cancel(id)).status, "cancelled");
  await assert.rejects(responses.result(id), JobCancelledError);
  const again = await responses.retry(id);
  assert.notEqual(again.id, id);
  assert.equal(again.retry_of, id);
  await responses.cancel(again.id);
});

Deno.test("a failed job throws its own code and hint", async () => {
  const { stack, user, openai } = theStack();
  await using client = clientOn(stack, user.token);
  openai.faults.add({ kind: "quota", match: { queryIncludes: "too dear" } });
  const { id } = await client.responses.submit({
    query: "This is too dear",
    profile: "dear",
  });
  await assert.rejects(
    client.responses.result(id, { timeout: 20_000 }),
    (error) => {
      assert.ok(error instanceof JobFailedError);
      assert.equal(error.code, "openai_quota_exceeded");
      assert.equal(error.job.id, id);
      assert.ok(error.hint);
      return true;
    },
  );
});

Deno.test("waiting ends with its timeout or its signal, and the job goes on", async () => {
  const { stack, user } = theStack();
  await using client = clientOn(stack, user.token);
  const { responses } = client;
  const { id } = await responses.submit({ query: "[[plan: sleep 20s]] Wait" });
  await assert.rejects(responses.result(id, { timeout: 50 }), {
    code: "wait_timeout",
  });
  const reason = new Error("left");
  const signal = AbortSignal.abort(reason);
  await assert.rejects(
    responses.result(id, { signal }),
    (error) => error === reason,
  );
  assert.equal((await responses.get(id)).finished_at, null);
  await responses.cancel(id);
});

Deno.test("jobs are listed page by page, newest first, each once", async () => {
  const { stack } = theStack();
  const user = await stack.createUser();
  await using client = clientOn(stack, user.token);
  const ids: string[] = [];
  for (const n of [1, 2, 3, 4, 5]) {
    const query = n === 3 ? `100% of "the" (budget), n=${n}` : `Question ${n}`;
    ids.unshift((await client.responses.submit({ query }, { wait: 20 })).id);
  }
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await client.responses.list({
      limit: 2,
      ...(cursor && { cursor }),
    });
    seen.push(...page.jobs.map(({ id }) => id));
    cursor = page.next ?? undefined;
  } while (cursor);
  assert.deepEqual(seen, ids);

  const count = async (options: Parameters<typeof client.responses.list>[0]) =>
    (await client.responses.list(options)).jobs.length;
  assert.equal(await count({ search: `100% of "THE" (budget), n=3` }), 1);
  assert.equal(await count({ search: "question" }), 4);
  assert.equal(await count({ status: "completed", profile: "default" }), 5);
  assert.equal(await count({ status: ["failed", "queued"] }), 0);
  assert.equal(await count({ profile: "mail" }), 0);
});

Deno.test("another's job is not found, and without a user nothing is read", async () => {
  const { stack, user } = theStack();
  await using owner = clientOn(stack, user.token);
  const { id } = await owner.responses.submit({ query: "Mine" });
  await using stranger = clientOn(stack, (await stack.createUser()).token);
  const notFound = {
    name: "NotFoundError",
    code: "job_not_found",
    status: 404,
  };
  await assert.rejects(stranger.responses.get(id), notFound);
  await assert.rejects(stranger.responses.cancel(id), notFound);
  await assert.rejects(stranger.responses.result(id), notFound);
  await using nobody = clientOn(stack, undefined);
  const unknown = { name: "AuthenticationError", code: "missing_token" };
  await assert.rejects(nobody.responses.get(id), unknown);
  await assert.rejects(nobody.responses.submit({ query: "Hello" }), unknown);
});

Deno.test("a server with the secret key sees every job and may send a whole request", async () => {
  const { stack, user } = theStack();
  await using owner = clientOn(stack, user.token);
  const { id } = await owner.responses.submit({ query: "Mine" });
  await using server = clientOn(stack, undefined, { key: stack.secretKey });
  assert.equal((await server.responses.get(id)).id, id);
  const own = await server.responses.submit({
    request: { model: "gpt-6.1-terra", input: "Hi" },
  });
  const done = await server.responses.result(own.id, { timeout: 20_000 });
  assert.equal(done.status, "completed");
});
