/** Synchronous runs on a route whose API ignores `require_approval`: one that is lost is not repeated before a person decides. */
import assert from "node:assert/strict";
import type { Fault } from "../../../packages/dev/openai/mod.ts";
import { flagsOf } from "../../support/job-state.ts";
import { readJob, summarizeAttempts } from "../../support/jobs.ts";
import type { TestStack } from "../../support/stack.ts";
import { createStream, ended, raw, response, stream, streamed } from "../upstream/answers.ts";
import { settledInTime } from "../upstream/ask.ts";
import { begin, createsSince, ofAttempt, query, sentInAll, works } from "./mail.ts";

const error = { error: { code: "server_error", message: "Cannot" } };
const strange = {
  type: "mcp_tool_call",
  id: "q",
  name: "gmail_reply_to_email",
  server_label: "mailbox",
};
const created = { type: "response.created", response: response("in_progress", []) };
const ignores: Fault = { kind: "ignore-approval" };

const lost: Record<string, Parameters<typeof raw>[1]> = {
  "completed with nothing": stream(ended("completed", [])),
  "completed with null": stream(ended("completed", null)),
  "failed with null": stream(ended("failed", null, error)),
  "failed with a call of an unknown kind": stream(ended("failed", [strange], error)),
  "cut after its beginning": stream(created),
  "ended by an error that is no refusal": stream({ type: "error", code: "500", message: "x" }),
  "empty": { status: 204 },
  "a page": { type: "text/html", body: "<html>" },
  "a bad gateway": { status: 502, type: "text/html", body: "<html>" },
  "a timeout": { status: 408 },
  "a redirect": { status: 302, headers: { location: "/x" } },
};

export function testUnguardedRequests(theStack: () => TestStack): void {
  /** A profile whose route is known to ignore approvals, and runs synchronously. */
  async function markedProfile(): Promise<string> {
    const { submit, fresh, finished, sql } = theStack();
    const profile = fresh("mail");
    begin(theStack(), [ignores, works]);
    assert.equal((await finished((await submit(profile, query)).id)).status, "completed");
    const marked = await sql`
      update public.response_routes set breaker = 'open', opened_at = now(), probe_at = now() + interval '1 hour'
      where profile = ${profile} and ignores_approval returning route`;
    assert.equal(marked.length, 1);
    return profile;
  }

  const rowsOf = (id: string) =>
    theStack().sql`
      select status from public.response_steps where job_id = ${id} and kind = 'unguarded_run' order by number`
      .then((rows) => rows.map(({ status }) => status));

  for (const [what, answer] of Object.entries(lost)) {
    Deno.test(`a route that ignores approvals: the answer to a request that sent is ${what}, so a person decides`, async () => {
      const { submit, sql } = theStack();
      const profile = await markedProfile();
      begin(theStack(), [raw(createStream, answer, { runs: true, times: 1 }), ignores, works]);
      const { id } = await submit(profile, `${query} again`);
      assert.equal((await settledInTime(theStack(), id, 61_000)).status, "needs_review");
      assert.deepEqual(await rowsOf(id), ["uncertain"]);
      assert.equal(await sentInAll(theStack()), 1);
      assert.deepEqual(await flagsOf(sql, id), []);
    });
  }

  Deno.test("a route that ignores approvals: a run that is not lost completes", async () => {
    const { submit, finished } = theStack();
    const profile = await markedProfile();
    begin(theStack(), [ignores, works]);
    const { id } = await submit(profile, `${query} again`);
    assert.equal((await finished(id)).status, "completed");
    assert.deepEqual(await rowsOf(id), ["void"]);
    assert.equal(await sentInAll(theStack()), 1);
  });

  const harmless: Record<string, Parameters<typeof raw>[1]> = {
    "a refused request": {
      status: 429,
      headers: { "retry-after": "1" },
      body: { error: { code: "rate_limit_exceeded", type: "requests", message: "Slow down" } },
    },
    "a stream that failed before a call": stream(created, ended("failed", [], error)),
  };
  for (const [what, answer] of Object.entries(harmless)) {
    Deno.test(`a route that ignores approvals: ${what} is sent again`, async () => {
      const { submit, sql } = theStack();
      const profile = await markedProfile();
      begin(theStack(), [raw(createStream, answer, { times: 1 }), ignores, works]);
      const { id } = await submit(profile, `${query} again`);
      assert.equal((await settledInTime(theStack(), id, 61_000)).status, "completed");
      assert.equal((await summarizeAttempts(sql, id)).length, 2);
      assert.deepEqual(await rowsOf(id), ["void", "void"]);
      assert.equal(await sentInAll(theStack()), 1);
    });
  }

  Deno.test("a call that is seen before the stream is cut: both are in doubt, and both are decided", async () => {
    const { submit, ask, openai, sql, finished } = theStack();
    const profile = await markedProfile();
    const [added] = streamed({
      id: "mcp_1",
      type: "mcp_call",
      server_label: "mailbox",
      name: "gmail_reply_to_email",
      arguments: "",
    }, 0);
    const cut = stream(created, added ?? {});
    begin(theStack(), [raw(createStream, cut, { runs: true, times: 1 }), ignores, works]);
    const { id } = await submit(profile, `${query} again`);
    await settledInTime(theStack(), id);
    openai.faults.set([works]);
    const open = await sql`
      select item_id, digest from public.response_steps where job_id = ${id} and status = 'uncertain' order by number`;
    assert.equal(open.length, 2);
    for (const { item_id: request_id, digest } of open) {
      assert.equal((await readJob(sql, id)).status, "needs_review");
      const body = { outcome: "did_not_happen", request_id, digest };
      assert.ok((await ask({ path: `/${id}/resolve`, body })).status < 300);
    }
    assert.equal((await finished(id)).status, "completed");
  });

  Deno.test("the caller's own yes, once it was used, is not sent again when a person has decided", async () => {
    const { stack, ask, fresh, openai } = theStack();
    const id = "mcpr_caller";
    const asked = {
      server_label: "mailbox",
      name: "gmail_reply_to_email",
      arguments: JSON.stringify({ message_id: "msg-1041", body: "It is paid." }),
    };
    const made = { ...asked, type: "mcp_call", id: "mcp_1", output: "sent", error: null };
    const shown = stream(
      created,
      ...streamed({ ...made, status: "completed", approval_request_id: id }, 0),
      { type: "error", code: "server_error", message: "Cannot" },
    );
    begin(theStack(), [
      { kind: "background-unsupported", match: { background: true } },
      raw({ stream: true, ...ofAttempt(2) }, shown, { times: 1 }),
    ]);
    const from = openai.requests.length;
    const input = [
      { role: "user", content: "[[plan: text all done]]" },
      { ...asked, type: "mcp_approval_request", id },
      { type: "mcp_approval_response", approval_request_id: id, approve: true },
    ];
    const { body } = await ask({
      token: stack.secretKey,
      body: { profile: fresh("mail"), input },
    });
    const { id: job } = Object(body);
    // After an error, nobody knows what else the run did.
    assert.equal((await settledInTime(theStack(), job)).status, "needs_review");
    await ask({ path: `/${job}/resolve`, token: stack.secretKey, body: { outcome: "happened" } });
    assert.equal((await settledInTime(theStack(), job)).status, "completed");
    const yeses = createsSince(theStack(), from).map(({ input }) =>
      JSON.stringify(input).split("mcp_approval_response").length - 1
    );
    // In background, in the stream that used it, and not beside words.
    assert.deepEqual(yeses, [1, 1, 0]);
    assert.equal(await sentInAll(theStack()), 0);
  });
}
