/** A response that lists an item twice, with its id and all: it is one item. */
import assert from "node:assert/strict";
import type { TestStack } from "../../support/stack.ts";
import {
  createBackground,
  createStream,
  ended,
  message,
  raw,
  response,
  retrieve,
  stream,
  streamed,
} from "../upstream/answers.ts";
import { askedUnheard } from "./asked-unheard.ts";
import { begin, ofAttempt, query, sentInAll, works } from "./mail.ts";

const request = {
  type: "mcp_approval_request",
  id: "mcpr_1",
  server_label: "mailbox",
  name: "gmail_reply_to_email",
  arguments: JSON.stringify({ message_id: "msg-1041", body: "It is paid." }),
};
const begun = { type: "response.created", response: response("in_progress", []) };
const events = [...streamed(request, 0), ...streamed(request, 1)];

export function testListedTwice(theStack: () => TestStack): void {
  const answers: Record<string, () => ReturnType<typeof raw>> = {
    "in background": () => {
      // OpenAI knows no such response, and so refuses to continue from it.
      const id = `resp_${crypto.randomUUID()}`;
      const body = { ...response("completed", [request, request]), id };
      return raw(createBackground, { body }, { times: 1 });
    },
    "as it was, and as it ended": () => {
      const { id, type, ...rest } = request;
      const ended = { agent: null, ...rest, type, id, status: "completed" };
      const body = response("completed", [{ ...request, status: "in_progress" }, ended]);
      return raw(createBackground, { body: { ...body, id: `resp_${crypto.randomUUID()}` } }, {
        times: 1,
      });
    },
    "at the end of a stream": () =>
      raw(createStream, stream(begun, ended("completed", [request, request])), { times: 1 }),
    "in a stream": () =>
      raw(createStream, stream(begun, ...events, ended("completed", [request])), { times: 1 }),
  };
  for (const [where, answer] of Object.entries(answers)) {
    Deno.test(`a request for approval that is listed twice ${where}: one email`, async () => {
      const { submit, fresh, finished } = theStack();
      const isStreamed = where.includes("stream");
      begin(theStack(), [
        ...isStreamed ? [{ kind: "background-unsupported" as const }] : [],
        answer(),
        works,
      ]);
      const { id } = await submit(fresh("mail"), query);
      assert.equal((await finished(id)).status, "completed");
      assert.equal(await sentInAll(theStack()), 1);
    });
  }

  Deno.test("a call that is listed twice: it was made once, with its yes", async () => {
    const { openai, sql, finished } = theStack();
    const { id, hear, body } = await askedUnheard(theStack());
    const asked = body.output.find((item) => item["type"] === "mcp_approval_request");
    const call = {
      ...asked,
      type: "mcp_call",
      id: "mcp_1",
      approval_request_id: asked?.["id"],
      output: "sent",
      error: null,
      status: "completed",
    };
    const done = response("completed", [call, message("It is done."), call]);
    openai.faults.set([raw({ ...retrieve, ...ofAttempt(3) }, { body: done }), works]);
    await hear();
    assert.equal((await finished(id)).status, "completed");
    const calls = await sql`
      select status from public.response_steps where job_id = ${id} and kind = 'mcp_call' and effect = 'once'`;
    assert.deepEqual(calls.map(({ status }) => status), ["finished"]);
    const [route] = await sql`
      select ignores_approval from public.response_routes
      where route = (select route from durable_responses.jobs where id = ${id})`;
    assert.equal(route?.["ignores_approval"], false);
    assert.equal(await sentInAll(theStack()), 1);
  });
}
