/** Too many, too large, too slow: one caller who takes all there is must not take it from the others. */
import assert from "node:assert/strict";
import { FAST_TIMINGS } from "../../local/openai/mod.ts";
import { countJobs } from "../support/jobs.ts";
import { testStackForFile } from "../support/test-stack.ts";
import { assertDocumented, see } from "./support/refusals.ts";

const theStack = testStackForFile({ openaiTimings: FAST_TIMINGS, durable: false });

Deno.test.beforeAll(() => theStack().openai.faults.set([{ kind: "stuck-queued" }]));

/** One user's submits at the same time. */
const FLOOD = 200;
const SLOW_CLIENTS = 40;

const hi = JSON.stringify({ query: "hi", profile: "plain" });
const post = (body: BodyInit, token: string, headers: Record<string, string> = {}) =>
  fetch(`${theStack().stack.functionsUrl}/respond`, {
    method: "POST",
    headers: { ...headers, authorization: `Bearer ${token}` },
    body,
  });

Deno.test(`${FLOOD} submits of one user at once: every one a row of its own, and others are served meanwhile`, async () => {
  const { stack, user, sql } = theStack();
  const other = await stack.createUser();
  const before = await countJobs(sql);
  const flood = Promise.all(Array.from({ length: FLOOD }, () => see(post(hi, user.token))));
  const answer = await see(post(hi, other.token));
  assert.equal(answer.status, 202, answer.text);
  const statuses = (await flood).map(({ status }) => status);
  assert.deepEqual([...new Set(statuses)], [202]);
  assert.equal(await countJobs(sql), before + FLOOD + 1);
});

Deno.test("the same key from many at once is one row", async () => {
  const { user, sql } = theStack();
  const before = await countJobs(sql);
  const key = { "idempotency-key": crypto.randomUUID() };
  const answers = await Promise.all(
    Array.from({ length: 50 }, () => see(post(hi, user.token, key))),
  );
  assert.deepEqual([...new Set(answers.map(({ status }) => status))], [202]);
  assert.equal(new Set(answers.map(({ text }) => JSON.parse(text).id)).size, 1);
  assert.equal(await countJobs(sql), before + 1);
});

Deno.test("bodies of the largest size at once are accepted, one byte more is 413", async () => {
  const { user, sql } = theStack();
  const before = await countJobs(sql);
  const empty = JSON.stringify({ query: "", profile: "plain" }).length;
  const body = (bytes: number) =>
    JSON.stringify({ query: "x".repeat(bytes - empty), profile: "plain" });
  const fitting = await Promise.all(
    Array.from({ length: 12 }, () => see(post(body(1_000_000), user.token))),
  );
  // 202, or 200 where OpenAI has refused so much text at once: accepted either way.
  for (const { status, text } of fitting) assert.ok(status === 202 || status === 200, text);
  const tooLarge = await Promise.all(
    Array.from({ length: 12 }, () => see(post(body(1_000_001), user.token))),
  );
  for (const answer of tooLarge) {
    assertDocumented(answer);
    assert.equal(answer.status, 413);
  }
  assert.equal(await countJobs(sql), before + 12);
});

Deno.test("a refusal does not send all of a large body back", async () => {
  const { user } = theStack();
  const long = "k".repeat(900_000);
  for (
    const body of [
      { [long]: 1 },
      { query: "hi", metadata: { [long]: {} } },
      { query: "hi", profile: long },
      { input: [{ role: long, content: "hi" }] },
    ]
  ) assertDocumented(await see(post(JSON.stringify(body), user.token)));
});

Deno.test("a body that only grows when it is unpacked is not unpacked", async () => {
  const { user, sql } = theStack();
  const before = await countJobs(sql);
  const huge = new Blob(["[".repeat(50_000_000)]).stream()
    .pipeThrough(new CompressionStream("gzip"));
  const bomb = await new Response(huge).arrayBuffer();
  const answer = await see(post(bomb, user.token, { "content-encoding": "gzip" }));
  assertDocumented(answer);
  assert.equal(await countJobs(sql), before);
});

Deno.test(`${SLOW_CLIENTS} clients that never finish their bodies do not keep others from being served`, async () => {
  const { stack, user, submit, sql } = theStack();
  const { hostname, port } = new URL(stack.apiUrl);
  const slow = await Promise.all(Array.from({ length: SLOW_CLIENTS }, async () => {
    const socket = await Deno.connect({ hostname, port: Number(port) });
    const head = [
      "POST /functions/v1/respond HTTP/1.1",
      `host: ${hostname}:${port}`,
      `authorization: Bearer ${user.token}`,
      "content-type: application/json",
      "content-length: 900000",
      "",
      '{"query": "',
    ].join("\r\n");
    await socket.write(new TextEncoder().encode(head));
    return socket;
  }));
  try {
    const before = await countJobs(sql);
    assert.equal((await submit("plain", "hi")).status, 202);
    assert.equal(await countJobs(sql), before + 1);
  } finally {
    for (const socket of slow) socket.close();
  }
});
