/** Watching on a whole stack: live, without Realtime, and while Realtime comes and goes. */
import assert from "node:assert/strict";
import type { Job, Update } from "../../packages/client/src/index.ts";
import { SignJWT } from "jose";
import { eventually } from "../support/eventually.ts";
import { clientOn, type TestClient } from "./support/client.ts";
import { sharedBusyStack } from "../support/shared-stack.ts";
import { onClientProfiles } from "./support/on-client-profiles.ts";

const theStack = sharedBusyStack(onClientProfiles);
const reply = "Find the latest email about the invoice and reply that it will be paid on Friday";
const slow = "[[plan: reason; sleep 900ms; reason; sleep 900ms; reason; text 6 deltas]] Think";

interface Watching {
  updates: Update[];
  done: Promise<void>;
}

/** Reads all updates of a job; `done` settles when they end. */
function watching(
  { responses }: TestClient,
  id: string,
  options?: { text?: boolean },
): Watching {
  const updates: Update[] = [];
  const signal = AbortSignal.timeout(60_000);
  const done = (async () => {
    for await (const update of responses.watch(id, { ...options, signal })) {
      updates.push(update);
    }
  })();
  // It is awaited later, and must not count as unhandled until then.
  void Promise.allSettled([done]);
  return { updates, done };
}

const states = ({ updates }: Watching) =>
  updates.flatMap((update) => update.type === "connection" ? [update.state] : []);
const jobs = ({ updates }: Watching): Job[] =>
  updates.flatMap((update) => update.type === "job" ? [update.job] : []);
const steps = ({ updates }: Watching) =>
  updates.flatMap((update) =>
    update.type === "step" || update.type === "tool_call"
      ? [`${update.step.number} ${update.step.kind} ${update.step.status}`]
      : []
  );
const isIn = (state: string) => (seen: string[]) => seen.at(-1) === state;

/**
 * Every step in order and nothing twice, except that a started call is reported again when its arguments are known. The job's
 * end is reported once.
 */
function assertComplete(watch: Watching): void {
  const seen = steps(watch);
  const told = watch.updates.flatMap((update) =>
    update.type === "step" || update.type === "tool_call" ? [JSON.stringify(update.step)] : []
  );
  assert.equal(new Set(told).size, told.length, `a step was told twice: ${seen.join(", ")}`);
  const numbers = [...new Set(seen.map((step) => Number(step.split(" ")[0])))];
  assert.deepEqual(numbers, numbers.toSorted((a, b) => a - b));
  assert.ok(numbers.length > 0);
  assert.deepEqual(
    jobs(watch).filter(({ finished_at }) => finished_at).map(({ status }) => status),
    [
      "completed",
    ],
  );
  assert.equal(watch.updates.at(-1)?.type, "job");
}

Deno.test("a job's statuses, steps, tool calls and text are told as they happen", async () => {
  const { stack, user } = theStack();
  await using client = clientOn(stack, user.token);
  const { id } = await client.responses.submit({
    query: reply,
    profile: "mail",
  });
  const watch = watching(client, id);
  await watch.done;
  assertComplete(watch);
  assert.ok(states(watch).includes("live"));
  const calls = watch.updates.flatMap((update) => update.type === "tool_call" ? [update.step] : []);
  const finished = calls.filter(({ status }) => status === "finished");
  assert.deepEqual(finished.map(({ tool }) => tool), [
    "gmail_find_email",
    "gmail_reply_to_email",
  ]);
  assert.match(finished[1]?.arguments ?? "", /paid on Friday/);
  assert.ok(finished[1]?.output);

  const texts = watch.updates.flatMap((update) => update.type === "text" ? [update] : []);
  assert.ok(texts.length > 1, "no live text");
  let text = "";
  for (const { delta, text: soFar } of texts) {
    assert.equal(text += delta, soFar);
  }
  const answer = jobs(watch).at(-1)?.output_text ?? "";
  assert.ok(
    answer.startsWith(text),
    `${JSON.stringify(text)} does not begin ${answer}`,
  );
});

Deno.test("who watches from the middle of an answer gets its text from the beginning", async () => {
  const { stack, user } = theStack();
  await using first = clientOn(stack, user.token);
  await using second = clientOn(stack, user.token);
  const { id } = await first.responses.submit({
    query: "[[plan: text 170 deltas]] Talk",
  });
  const early = watching(first, id);
  await eventually(
    "the first text",
    () => early.updates.some(({ type }) => type === "text"),
  );
  const late = watching(second, id);
  await Promise.all([early.done, late.done]);
  const answer = jobs(late).at(-1)?.output_text ?? "";
  const [begin] = late.updates.filter((update) => update.type === "text");
  assert.ok(
    begin?.type === "text" && begin.delta.length > 100,
    "the beginning did not come at once",
  );
  assert.ok(answer.startsWith(begin.delta));
});

Deno.test("text is not sent when nobody asked for it", async () => {
  const { stack, user } = theStack();
  await using client = clientOn(stack, user.token);
  const { id } = await client.responses.submit({
    query: "[[plan: text 30 deltas]] Talk",
  });
  const watch = watching(client, id, { text: false });
  await watch.done;
  assert.ok(!watch.updates.some(({ type }) => type === "text"));
});

Deno.test("when Realtime refuses, the job is polled, and nothing is missed", async () => {
  const { stack, user } = theStack();
  await using client = clientOn(stack, user.token);
  stack.realtime.faults.refuseJoins = "no, not now";
  try {
    const { id } = await client.responses.submit({ query: slow });
    const watch = watching(client, id);
    await watch.done;
    assertComplete(watch);
    assert.deepEqual(states(watch), ["polling"]);
  } finally {
    stack.realtime.faults.refuseJoins = undefined;
  }
});

Deno.test("a dropped socket costs nothing, and live updates come back", async () => {
  const { stack, user } = theStack();
  await using client = clientOn(stack, user.token);
  const { id } = await client.responses.submit({ query: slow });
  const watch = watching(client, id);
  await eventually("live updates", () => states(watch), isIn("live"));
  stack.realtime.faults.refuseJoins = "not yet";
  stack.realtime.dropSockets();
  await eventually("polling", () => states(watch), isIn("polling"));
  stack.realtime.faults.refuseJoins = undefined;
  await eventually("live updates again", () => states(watch), isIn("live"));
  await watch.done;
  assertComplete(watch);
});

Deno.test("messages that are lost while joined are made up for", async () => {
  const { stack, user } = theStack();
  await using client = clientOn(stack, user.token);
  const { id } = await client.responses.submit({ query: slow });
  const watch = watching(client, id);
  await eventually("live updates", () => states(watch), isIn("live"));
  // All messages but the last are lost. The one that arrives brings everything before it.
  stack.realtime.faults.lose = ({ payload }) => !JSON.stringify(payload).includes('"completed"');
  try {
    await watch.done;
  } finally {
    stack.realtime.faults.lose = undefined;
  }
  assertComplete(watch);
});

Deno.test("two who watch one job through one client each get everything", async () => {
  const { stack, user } = theStack();
  await using client = clientOn(stack, user.token);
  const { id } = await client.responses.submit({ query: slow });
  const [one, two] = [watching(client, id), watching(client, id)];
  await Promise.all([one.done, two.done]);
  assertComplete(one);
  assertComplete(two);
  assert.deepEqual(steps(one), steps(two));
});

Deno.test("watching again right after the end of a watch works", async () => {
  const { stack, user } = theStack();
  await using client = clientOn(stack, user.token);
  const { id } = await client.responses.submit({ query: slow });
  for await (const update of client.responses.watch(id)) {
    if (update.type === "connection" && update.state === "live") break;
  }
  const watch = watching(client, id);
  await eventually("live updates", () => states(watch), isIn("live"));
  await watch.done;
  assertComplete(watch);
});

Deno.test("a server that cannot be reached is waited for", async () => {
  const { stack, user } = theStack();
  let away = false;
  await using client = clientOn(stack, user.token, {
    fetch: (input, init) =>
      away ? Promise.reject(new TypeError("connection refused")) : fetch(input, init),
  });
  const { id } = await client.responses.submit({ query: slow });
  const watch = watching(client, id);
  await eventually("live updates", () => states(watch), isIn("live"));
  away = true;
  stack.realtime.dropSockets();
  await eventually("offline", () => states(watch), isIn("offline"));
  away = false;
  await watch.done;
  assertComplete(watch);
});

Deno.test("a token that is refreshed in time goes on live", async () => {
  const { stack, user } = theStack();
  await using client = clientOn(stack, user.token);
  const { id } = await client.responses.submit({
    query: "[[plan: sleep 2500ms]] Think",
  });
  let token = await tokenFor(user.id, 2);
  await using brief = clientOn(stack, () => token);
  const watch = watching(brief, id);
  await eventually("live updates", () => states(watch), isIn("live"));
  token = user.token;
  await watch.done;
  assert.equal(jobs(watch).at(-1)?.status, "completed");
  assert.deepEqual(states(watch).slice(states(watch).indexOf("live")), [
    "live",
  ]);
});

Deno.test("a token that is not refreshed ends the watch with an error that says so", async () => {
  const { stack, user } = theStack();
  let token = user.token;
  await using client = clientOn(stack, () => token);
  const { id } = await client.responses.submit({
    query: "[[plan: sleep 20s]] Think",
  });
  const watch = watching(client, id);
  await eventually("live updates", () => states(watch), isIn("live"));
  // PostgREST tolerates 30 s.
  token = await tokenFor(user.id, -60);
  stack.realtime.dropSockets();
  await assert.rejects(watch.done, {
    name: "AuthenticationError",
    code: "invalid_token",
  });
  token = user.token;
  await client.responses.cancel(id);
});

Deno.test("an aborted watch ends at once with the signal's reason", async () => {
  const { stack, user } = theStack();
  await using client = clientOn(stack, user.token);
  const { id } = await client.responses.submit({
    query: "[[plan: sleep 20s]] Wait",
  });
  const controller = new AbortController();
  const reason = new Error("left");
  await assert.rejects(async () => {
    for await (
      const update of client.responses.watch(id, { signal: controller.signal })
    ) {
      if (update.type === "connection") controller.abort(reason);
    }
  }, (error) => error === reason);
  await eventually(
    "the channel's end",
    () => stack.realtime.members(`response-job:${id}`) === 0,
  );
  await client.responses.cancel(id);
});

/** An HS256 token that is valid for `seconds`. */
function tokenFor(userId: string, seconds: number): Promise<string> {
  const secret = new TextEncoder().encode(
    "super-secret-jwt-token-with-at-least-32-characters-long",
  );
  const exp = Math.floor(Date.now() / 1000) + seconds;
  return new SignJWT({ sub: userId, role: "authenticated", exp })
    .setProtectedHeader({ alg: "HS256", typ: "JWT" }).sign(secret);
}
