/** No request shows people what the columns hide from them: the parts of a whole request that only its server may see. */
import assert from "node:assert/strict";
import { fastTimings } from "../../packages/dev/openai/mod.ts";
import { createOperator } from "../support/operator.ts";
import { onTestProfiles, stackForFile } from "../support/stack.ts";

const theStack = stackForFile({ ...onTestProfiles, openaiTimings: fastTimings });

const hidden = [
  "PLANTED-instructions",
  "PLANTED-developer",
  "PLANTED-system",
  "PLANTED-fact",
  "PLANTED-tool",
  "gpt-6.1-sol",
];
const request = {
  model: "gpt-6.1-sol",
  instructions: "PLANTED-instructions",
  tools: [{
    type: "function",
    run_by: "caller",
    name: "f",
    description: "PLANTED-tool",
    parameters: { type: "object" },
  }],
  input: [
    { role: "developer", content: "PLANTED-developer" },
    { type: "message", role: "system", content: "PLANTED-system" },
    { role: "user", content: "What the user asked" },
    { role: "assistant", content: "What it said" },
    { type: "function_call", call_id: "c", name: "f", arguments: '{"a":"PLANTED-fact"}' },
    { type: "function_call_output", call_id: "c", output: "PLANTED-fact" },
    { role: "user", content: "And then" },
  ],
};

/** A whole request that a server has sent for the user. */
async function askedByServer(): Promise<string> {
  const { sql, user } = theStack();
  const job = { profile: "plain", request, owner_id: user.id };
  const [row] = await sql`select public.submit_response_job(${sql.json(job)}) #>> '{job,id}' as id`;
  return String(row?.["id"]);
}

Deno.test("a user and an operator see of a whole request its messages, in every answer", async () => {
  const { stack, sql, user, wake, finished } = theStack();
  const id = await askedByServer();
  await wake();
  await finished(id);
  const operator = await createOperator({ stack, sql });
  const rest = `${stack.apiUrl}/rest/v1`;
  const post = (body: unknown) => ({ method: "POST", body: JSON.stringify(body) });
  const requests: [string, RequestInit?][] = [
    [`${stack.functionsUrl}/respond/${id}`],
    [`${stack.functionsUrl}/respond/v1/responses/${id}`],
    [`${stack.functionsUrl}/respond/v1/responses/${id}?stream=true`],
    [`${stack.functionsUrl}/respond/v1/responses/${id}/input_items`],
    [`${stack.functionsUrl}/respond/v1/responses/${id}/cancel`, { method: "POST" }],
    [`${rest}/response_jobs?id=eq.${id}&select=*,response_attempts(*),response_steps(*)`],
    [`${rest}/response_attempts?job_id=eq.${id}`],
    [`${rest}/response_timeline?job_id=eq.${id}`],
    [`${rest}/rpc/search_response_jobs`, post({ p_text: "asked" })],
    [`${rest}/rpc/search_response_jobs`, post({ p_text: "PLANTED" })],
  ];
  for (const token of [user.token, operator.token]) {
    for (const [url, init = {}] of requests) {
      const response = await fetch(url, {
        ...init,
        headers: {
          authorization: `Bearer ${token}`,
          apikey: stack.publishableKey,
          "content-type": "application/json",
        },
      });
      const text = await response.text();
      assert.ok(response.ok, `${url}: ${text}`);
      for (const planted of hidden) {
        assert.ok(!text.includes(planted), `${planted} in ${url}: ${text}`);
      }
      if (url.includes("input_items")) {
        for (const said of ["What the user asked", "What it said", "And then"]) {
          assert.ok(text.includes(said), `no '${said}' in ${text}`);
        }
      }
      if (url.endsWith(`responses/${id}`)) assert.match(text, /"model":"plain"/);
    }
  }
});

Deno.test("who asked is found by what was asked", async () => {
  const { sql } = theStack();
  const id = await askedByServer();
  const [row] = await sql`select query_text from durable_responses.jobs where id = ${id}`;
  assert.equal(row?.["query_text"], "And then", "the last thing that the user asked");
});

Deno.test("a conversation that a user continues takes along what the user may see, and no more", async () => {
  const { sql, ask, wake, finished } = theStack();
  const id = await askedByServer();
  await wake();
  await finished(id);
  const next = await ask({
    path: "/v1/responses",
    body: { model: "plain", input: "go on", previous_response_id: id, background: true },
  });
  assert.equal(next.status, 200, JSON.stringify(next.body));
  const [row] =
    await sql`select input::text as input from durable_responses.jobs order by created_at desc limit 1`;
  assert.match(row?.["input"], /What the user asked.*go on/);
  assert.ok(!hidden.some((planted) => row?.["input"].includes(planted)));
});

Deno.test("a server that continues with a profile, in the user's name, shows the user no more", async () => {
  const { sql, ask, wake, finished, stack, user } = theStack();
  const id = await askedByServer();
  await wake();
  await finished(id);
  const server = { token: stack.secretKey, headers: { "x-owner-id": user.id } };
  for (const model of ["plain", "gpt-6.1-sol"]) {
    const next = await ask({
      ...server,
      path: "/v1/responses",
      body: { model, input: "go on", previous_response_id: id, background: true },
    });
    assert.equal(next.status, 200, JSON.stringify(next.body));
    const items = await ask({ path: `/v1/responses/${next.body["id"]}/input_items` });
    const text = JSON.stringify(items.body);
    assert.match(text, /What the user asked/);
    for (const planted of hidden) assert.ok(!text.includes(planted), `${model}: ${planted}`);
  }
  // The server's own whole request continues with the whole conversation.
  const [row] = await sql`
    select request::text as request from durable_responses.jobs where request is not null order by created_at desc limit 1`;
  assert.match(row?.["request"], /PLANTED-developer.*go on/);
});

Deno.test("a secret key sees all of it", async () => {
  const { stack, ask } = theStack();
  const id = await askedByServer();
  const token = stack.secretKey;
  const items = await ask({ path: `/v1/responses/${id}/input_items`, token });
  assert.match(JSON.stringify(items.body), /PLANTED-developer/);
  const response = await ask({ path: `/v1/responses/${id}`, token });
  assert.equal(response.body["model"], "gpt-6.1-sol");
});
