/** Too many, too large, too slow: a caller who uses everything up must not take it from the others. */
import assert from "node:assert/strict";
import { fastTimings } from "../../packages/dev/openai/mod.ts";
import { clientOn, type TestClient } from "../client/support/client.ts";
import { countJobs } from "../support/jobs.ts";
import { onTestProfiles, stackForFile } from "../support/stack.ts";
import { eventually } from "../support/eventually.ts";
import { assertDocumented, see } from "./support/refusals.ts";

const theStack = stackForFile({ ...onTestProfiles, openaiTimings: fastTimings });

Deno.test.beforeAll(() => theStack().openai.faults.set([{ kind: "stuck-queued" }]));

/** One user's submits at the same time; with 10,000 it takes minutes. */
const flood = Number(Deno.env.get("ATTACK_SUBMITS") ?? 1_000);
/** How many of them at the same time: client, gateway and stand-ins share this process's open files, about five a submit. */
const atOnce = Math.min(flood, 2_500);
const slowClients = 40;

const hi = JSON.stringify({ query: "hi", profile: "plain" });
const post = (body: BodyInit, token: string, headers: Record<string, string> = {}) =>
  fetch(`${theStack().stack.functionsUrl}/respond`, {
    method: "POST",
    headers: { ...headers, authorization: `Bearer ${token}` },
    body,
  });

Deno.test(`${flood} submits of one user at once: each one row, none lost, and others are served meanwhile`, async () => {
  const { stack, sql } = theStack();
  // Not the other tests' user, who would have too many jobs afterwards.
  const [flooding, other] = [await stack.createUser(), await stack.createUser()];
  let requests = 0;
  const client = (token: string) =>
    clientOn(stack, token, {
      // A frontend that is told to try again does so. The key makes that safe.
      maxRetries: 50,
      fetch: (input, init) => (requests++, fetch(input, init)),
    });
  await using flooder = client(flooding.token);
  await using bystander = client(other.token);
  const submit = async ({ responses }: TestClient) =>
    (await responses.submit({ query: "hi", profile: "plain" })).id;
  await sql`update public.response_settings set max_unfinished_per_user = null`;
  try {
    const before = await countJobs(sql);
    const started = performance.now();
    const seconds = () => ((performance.now() - started) / 1000).toFixed(1);
    const ids: string[] = [];
    let left = flood;
    const submitOn = async () => {
      while (left-- > 0) ids.push(await submit(flooder));
    };
    const [[othersId, othersSeconds]] = await Promise.all([
      submit(bystander).then((id) => [id, seconds()] as const),
      ...Array.from({ length: atOnce }, submitOn),
    ]);
    console.log(
      `${flood} accepted after ${seconds()} s, by ${requests} requests; another user's after ${othersSeconds} s`,
    );
    assert.equal(new Set([...ids, othersId]).size, flood + 1);
    assert.equal(await countJobs(sql), before + flood + 1);
  } finally {
    await sql`update public.response_settings set max_unfinished_per_user = default`;
  }
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

Deno.test("a user's jobs pile up to a limit, and nobody else's with them", async () => {
  const { stack, sql } = theStack();
  const [flooder, other] = [await stack.createUser(), await stack.createUser()];
  const key = { "idempotency-key": "first" };
  // None of these jobs ends during the test.
  const slow = JSON.stringify({ query: "[[plan: sleep 600000ms; text hi]]", profile: "plain" });
  await sql`update public.response_settings set max_unfinished_per_user = 3`;
  try {
    const first = await see(post(slow, flooder.token, key));
    for (let made = 0; made < 2; made++) await see(post(slow, flooder.token));
    const before = await countJobs(sql);
    const refused = await see(post(slow, flooder.token));
    assertDocumented(refused);
    assert.deepEqual([refused.status, refused.headers.get("retry-after")], [429, "30"]);
    assert.match(refused.text, /"too_many_jobs"/);
    assert.equal(await countJobs(sql), before);
    const repeat = await see(post(slow, flooder.token, key));
    assert.equal(JSON.parse(repeat.text).id, JSON.parse(first.text).id);
    assert.equal((await see(post(hi, other.token))).status, 202);
    assert.equal((await see(post(hi, stack.secretKey))).status, 202);
  } finally {
    await sql`update public.response_settings set max_unfinished_per_user = default`;
  }
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
  // 202, or 200 if OpenAI has refused so much text at once. Both are accepted.
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

Deno.test(`${slowClients} clients that never finish their bodies do not keep others from being served, and get 408`, async () => {
  const { stack, user, submit, sql } = theStack();
  const { hostname, port } = new URL(stack.apiUrl);
  const slow = await Promise.all(Array.from({ length: slowClients }, async () => {
    const socket = await Deno.connect({ hostname, port: Number(port) });
    const head = [
      "POST /functions/v1/respond HTTP/1.1",
      `host: ${hostname}:${port}`,
      `authorization: Bearer ${user.token}`,
      "content-type: application/json",
      // In chunks, because the gateway holds back a body with a length until it is complete.
      "transfer-encoding: chunked",
      "",
      'b\r\n{"query": "\r\n',
    ].join("\r\n");
    await socket.write(new TextEncoder().encode(head));
    return socket;
  }));
  const answers = slow.map(() => "");
  const read = slow.map(async ({ readable }, index) => {
    for await (const text of readable.pipeThrough(new TextDecoderStream())) answers[index] += text;
  });
  try {
    const before = await countJobs(sql);
    assert.equal((await submit("plain", "hi")).status, 202);
    assert.equal(await countJobs(sql), before + 1);
    await eventually(
      "a 408 for each of them",
      () => answers.every((text) => /^HTTP\/1\.1 408 [^]*"code":"body_timeout"/.test(text)),
    );
    assert.equal(await countJobs(sql), before + 1);
  } finally {
    for (const socket of slow) socket.close();
    await Promise.allSettled(read);
  }
});
