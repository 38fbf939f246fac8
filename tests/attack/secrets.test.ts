/**
 * Credentials are planted in the environment, and everything upstream repeats them: OpenAI's refusals, failed responses and
 * streams, tools' errors and outputs. None of them may appear in the database, or in any log, answer or broadcast.
 */
import { findEmail, replyToEmail } from "../../packages/dev/mcp/mailbox.ts";
import assert from "node:assert/strict";
import { createClient } from "@supabase/supabase-js";
import { createDurableResponses } from "../../packages/client/src/index.ts";
import { startMailbox } from "../../packages/dev/mcp/mailbox.ts";
import { fastTimings, type Fault, startOpenAI } from "../../packages/dev/openai/mod.ts";
import { eventually } from "../support/eventually.ts";
import { forFile } from "../support/for-file.ts";
import { isFinal, readJob } from "../support/jobs.ts";
import { startTestStack, testProfiles } from "../support/stack.ts";
import { findInDatabase } from "./support/database-search.ts";

/** None of these looks like a credential, so only code that knows them can mask them. */
const planted = {
  OPENAI_API_KEY: "planted+openai/key=one",
  OPENAI_WEBHOOK_SECRET: `whsec_${btoa("planted-webhook-secret-two")}`,
  MAILBOX_MCP_TOKEN: "planted-mailbox-token-three",
};
const { OPENAI_API_KEY: key, MAILBOX_MCP_TOKEN: token } = planted;
const echo =
  `Incorrect API key provided: ${key} (?api_key=${encodeURIComponent(key)}); the MCP server got ` +
  `{"Authorization": "Bearer ${token}"} and said: unknown token '${token}'`;

const theWorld = forFile(async (parts) => {
  const logs: string[] = [];
  const openai = await startOpenAI({
    apiKey: key,
    webhookSecret: planted.OPENAI_WEBHOOK_SECRET,
    // Slow, so that an answer can be watched while it is written.
    timings: { ...fastTimings, deltaMs: 10 },
  });
  parts.defer(() => openai.stop());
  const mailbox = await startMailbox({ token });
  parts.defer(() => mailbox.stop());
  const { stack, sql, user } = await startTestStack(parts, {
    profiles: testProfiles,
    openai: { apiKey: key, baseUrl: openai.url },
    // An operator may turn on the SDK's own log, which must not show bodies.
    env: { ...planted, MAILBOX_MCP_URL: mailbox.url, OPENAI_LOG: "debug" },
    onLog: ({ source, line }) => logs.push(`${source}: ${line}`),
  });
  openai.webhooks.url = `${stack.functionsUrl}/openai-webhook`;

  const heard: string[] = [];
  const client = createClient(stack.apiUrl, stack.publishableKey, {
    accessToken: () => Promise.resolve(user.token),
    auth: { persistSession: false, autoRefreshToken: false },
  });
  parts.defer(async () => {
    await client.removeAllChannels();
    await client.realtime.disconnect();
  });
  await client.realtime.setAuth();
  let joined = false;
  client.channel(`response-jobs:${user.id}`, { config: { private: true } })
    .on("broadcast", { event: "*" }, (message) => heard.push(JSON.stringify(message)))
    .subscribe((state) => joined ||= state === "SUBSCRIBED");
  await eventually("the listener", () => joined, Boolean);
  // Only watched topics are announced. Not with watch_response_jobs(), because these tests take longer than a watch.
  await sql`
    insert into public.response_watches (topic, watched_until)
    values (${`response-jobs:${user.id}`}, now() + interval '1 h')`;
  const responses = createDurableResponses(client);
  return {
    stack,
    openai,
    mailbox,
    sql,
    user,
    responses,
    logs,
    heard,
    answers: new Array<string>(),
  };
});

async function ask(path: string, init: RequestInit = {}) {
  const { stack, user, answers } = theWorld();
  const response = await fetch(`${stack.functionsUrl}/respond${path}`, {
    ...init,
    headers: { authorization: `Bearer ${user.token}` },
  });
  const text = await response.text();
  answers.push(text);
  return { status: response.status, body: JSON.parse(text) };
}

interface Case {
  name: string;
  query?: string;
  faults?: Fault[];
  before?: () => void;
}

const replyPlan = `[[plan: ${findEmail("invoice")}; ${replyToEmail("Thanks")}; text done]]`;
const cases: Case[] = [
  {
    name: "OpenAI refuses the background request",
    faults: [{ kind: "http-error", status: 400, message: echo, code: `bad_${token}` }],
  },
  {
    name: "OpenAI refuses the key",
    faults: [{ kind: "http-error", status: 401, message: echo, code: "invalid_api_key" }],
  },
  {
    name: "a background response fails, and its webhook tells",
    query: replyPlan,
    faults: [{ kind: "background-fails", code: "server_error", message: echo }],
  },
  {
    name: "a background response fails after its tools ran",
    query: replyPlan,
    faults: [{ kind: "fails-after-tools", message: echo }],
  },
  {
    name: "a stream ends with an error, again and again",
    faults: [{ kind: "error-event", message: echo, code: "server_error" }],
  },
  {
    name: "OpenAI answers 500 to a synchronous run",
    faults: [{ kind: "http-error", status: 500, message: echo }],
  },
  {
    name: "a tool's error repeats its token",
    query: replyPlan,
    before: () =>
      theWorld().mailbox.fail({ tool: "gmail_find_email", when: "before", message: echo }),
  },
  {
    name: "a tool's output repeats its token",
    query: replyPlan,
    before: () => {
      const [email] = theWorld().mailbox.emails;
      assert.ok(email);
      email.body = `${email.body} ${echo}`;
    },
  },
];

for (const [index, { name, query = "hi", faults = [], before }] of cases.entries()) {
  Deno.test(`planted secrets are masked when ${name}`, async () => {
    const { openai, sql, logs, heard, answers } = theWorld();
    openai.faults.set(faults);
    before?.();
    // Each has its own route, so that none has learned to skip background.
    const profile = `mail-${index + 1}`;
    const { body } = await ask("", { method: "POST", body: JSON.stringify({ profile, query }) });
    const id = String(body.id);
    await eventually("its end", () => readJob(sql, id), isFinal);
    await eventually(
      "its announcements",
      () => heard,
      (all) => all.some((message) => message.includes(id)),
    );
    openai.faults.clear();
    await ask(`/${id}`);
    await ask(`/v1/responses/${id}`);
    // The words around the secret did get through, so it was there to be masked.
    const rows = await sql<{ text: string }[]>`
      select j::text as text from public.response_jobs j where id = ${id}
      union all select a::text from public.response_attempts a where job_id = ${id}
      union all select s::text from public.response_steps s where job_id = ${id}`;
    assert.match(rows.map(({ text }) => text).join("\n"), /Incorrect API key provided: \*\*\*/);
    for (const value of [key, encodeURIComponent(key), token]) {
      assert.deepEqual(await findInDatabase(sql, value), []);
      const seen = [...logs, ...heard, ...answers].filter((text) => text.includes(value));
      assert.deepEqual(seen, []);
    }
    assert.ok(answers.at(-2)?.includes(id));
  });
}

Deno.test("planted secrets are masked in the answer while it is written", async () => {
  const { mailbox, responses, sql, heard } = theWorld();
  const [email] = mailbox.emails;
  assert.ok(email);
  // Long enough that some of it is shown before the end, which comes with the whole answer.
  email.body = `${echo} `.repeat(20);
  const profile = `mail-${cases.length + 1}`;
  const { id } = await responses.submit({
    query: `[[plan: ${findEmail("invoice")}]] What does it say?`,
    profile,
  });
  const texts: string[] = [];
  for await (const update of responses.watch(id)) {
    heard.push(JSON.stringify(update));
    if (update.type === "text") texts.push(update.text);
  }
  assert.match(texts.at(-1) ?? "", /Incorrect API key provided: \*\*\*/);
  const { output_text } = await readJob(sql, id);
  assert.ok(output_text?.startsWith(texts.at(-1) ?? ""), "what was shown is what is stored");
  for (const value of [key, encodeURIComponent(key), token]) {
    assert.deepEqual(heard.filter((text) => text.includes(value)), []);
  }
});

Deno.test("nothing of the environment was left anywhere by all of this", async () => {
  const { stack, sql, logs, heard, answers } = theWorld();
  const secrets = [
    ...Object.values(planted),
    stack.secretKey,
    stack.serviceRoleKey,
    stack.workerSecret,
  ];
  for (const value of secrets) {
    // pg_net's queue contains the worker secret until it is sent. That secret can only wake a worker.
    const tables = (await findInDatabase(sql, value)).filter((table) =>
      value !== stack.workerSecret || !table.startsWith("net.")
    );
    assert.deepEqual(tables, []);
    assert.deepEqual([...logs, ...heard, ...answers].filter((text) => text.includes(value)), []);
  }
});
