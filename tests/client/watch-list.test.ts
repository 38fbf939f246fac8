/** Watching the list on a whole stack: live, without Realtime, and without a topic. */
import assert from "node:assert/strict";
import { ArgumentError } from "../../packages/client/src/index.ts";
import { createOperator } from "../support/operator.ts";
import { eventually } from "../support/eventually.ts";
import { clientOn } from "./support/client.ts";
import { sharedBusyStack } from "../support/shared-stack.ts";
import { onClientProfiles } from "./support/on-client-profiles.ts";
import { watchList } from "./support/watched-list.ts";

const theStack = sharedBusyStack(onClientProfiles);
const slow = "[[plan: sleep 20s]] Wait";

/** A new signed-in user for each test, so that nobody else's jobs are in the list. */
async function newcomer() {
  const { stack } = theStack();
  const user = await stack.createUser();
  return { stack, user, client: clientOn(stack, user.token) };
}

Deno.test("jobs that come, change and end are told live, a page at a time", async () => {
  const { client } = await newcomer();
  await using _ = client;
  await using watch = watchList(client, { limit: 2 });
  await watch.becomes("live");
  assert.deepEqual(watch.shown(), []);
  const ids: string[] = [];
  for (const query of ["One", "Two", slow]) {
    const { id } = await client.responses.submit({ query });
    ids.unshift(id);
  }
  const [third, second] = ids;
  await eventually(
    "the page",
    watch.shown,
    ([first = "", next, ...more]) =>
      first.startsWith(`${third} `) && next === `${second} completed` &&
      more.length === 0,
  );
  assert.ok(watch.pages().at(-1)?.next, "there is another page");
  const { id } = await client.responses.cancel(String(third));
  await eventually(
    "the cancelled job",
    watch.shown,
    ([first]) => first === `${id} cancelled`,
  );
  assert.deepEqual(watch.states().slice(watch.states().indexOf("live")), [
    "live",
  ]);
});

Deno.test("a filter's page loses the job that does not fit any more", async () => {
  const { client } = await newcomer();
  await using _ = client;
  const { id } = await client.responses.submit({ query: slow });
  await using watch = watchList(client, {
    status: ["background", "queued", "running"],
  });
  await eventually(
    "the job",
    watch.shown,
    (jobs) => jobs[0]?.startsWith(id) === true,
  );
  await client.responses.cancel(id);
  await eventually("an empty page", watch.shown, (jobs) => jobs.length === 0);
});

Deno.test("many changes at once are few pages, and the last one is right", async () => {
  const { client } = await newcomer();
  await using _ = client;
  await using watch = watchList(client);
  await watch.becomes("live");
  const before = watch.pages().length;
  const queries = Array.from(
    { length: 12 },
    (_, number) => `Question ${number}`,
  );
  await Promise.all(
    queries.map((query) => client.responses.submit({ query, profile: "default" })),
  );
  await eventually(
    "all answers",
    watch.shown,
    (jobs) => jobs.length === 12 && jobs.every((job) => job.endsWith(" completed")),
  );
  // At least 24 status changes.
  assert.ok(
    watch.pages().length - before < 15,
    `${watch.pages().length - before} pages`,
  );
});

Deno.test("when Realtime refuses, the list is polled, and goes live when it is back", async () => {
  const { stack, client } = await newcomer();
  await using _ = client;
  stack.realtime.faults.refuseJoins = "no, not now";
  try {
    await using watch = watchList(client);
    await watch.becomes("polling");
    const { id } = await client.responses.submit({ query: slow });
    await eventually(
      "the job",
      watch.shown,
      (jobs) => jobs[0]?.startsWith(id) === true,
    );
    stack.realtime.faults.refuseJoins = undefined;
    await watch.becomes("live");
    stack.realtime.faults.refuseJoins = "not again";
    stack.realtime.dropSockets();
    await watch.becomes("polling");
    await client.responses.cancel(id);
    await eventually(
      "its end",
      watch.shown,
      ([first]) => first === `${id} cancelled`,
    );
  } finally {
    stack.realtime.faults.refuseJoins = undefined;
  }
});

Deno.test("who sees everybody's jobs is told of them by polling", async () => {
  const { stack, client: users } = await newcomer();
  await using _ = users;
  const sql = stack.database.connect("supabase_admin", "postgres", { max: 1 });
  const operator = await createOperator({ stack, sql });
  await sql.end();
  await using byClaim = clientOn(stack, operator.token);
  await using byKey = clientOn(stack, undefined, { key: stack.secretKey });
  await using claim = watchList(byClaim);
  await using key = watchList(byKey);
  const { id } = await users.responses.submit({ query: slow });
  for (
    const [watch, reason] of [[claim, /operator/], [key, /no user/]] as const
  ) {
    await eventually(
      "the job",
      watch.shown,
      (jobs) => jobs[0]?.startsWith(id) === true,
    );
    assert.deepEqual(watch.states(), ["polling"]);
    assert.match(String(watch.reasons()[0]), reason);
  }
  await users.responses.cancel(id);
});

Deno.test("two lists and a job share one client; each ends for itself", async () => {
  const { stack, user, client } = await newcomer();
  await using _ = client;
  const topic = `response-jobs:${user.id}`;
  const one = watchList(client);
  const two = watchList(client, { limit: 1 });
  await one.becomes("live");
  await two.becomes("live");
  assert.equal(stack.realtime.members(topic), 1);
  await one[Symbol.asyncDispose]();
  const { id } = await client.responses.submit({ query: "Hello" });
  await client.responses.result(id);
  await eventually(
    "its end",
    two.shown,
    ([first]) => first === `${id} completed`,
  );
  await two[Symbol.asyncDispose]();
  await eventually("the channel's end", () => stack.realtime.members(topic) === 0);
});

Deno.test("a filter that cannot be is refused before anything is asked", async () => {
  const { client } = await newcomer();
  await using _ = client;
  assert.throws(() => client.responses.watchList({ limit: 0 }), ArgumentError);
});
