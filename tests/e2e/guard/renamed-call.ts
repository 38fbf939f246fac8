/** A response with the yes whose call has other names than the one that was approved, and one that was refused before it ran. */
import assert from "node:assert/strict";
import { eventually } from "../../support/eventually.ts";
import { readJob } from "../../support/jobs.ts";
import type { TestStack } from "../../support/stack.ts";
import { functionsAreDone, openaiIsDone } from "../background/at-openai.ts";
import { message, raw, response, retrieve, stream, streamed } from "../upstream/answers.ts";
import { settledInTime } from "../upstream/ask.ts";
import { askedUnheard } from "./asked-unheard.ts";
import { begin, ofAttempt, query, sentInAll, works } from "./mail.ts";

const renamed: Record<string, Record<string, unknown>> = {
  "no server": { server_label: null },
  "another case": { server_label: "Mailbox" },
  "no tool": { name: undefined },
  "a prefix": { name: "mailbox.gmail_reply_to_email" },
};
const approvedArguments = JSON.stringify({ message_id: "msg-1041", body: "It is paid." });
const rewritten: Record<string, string> = {
  "arguments that are cut": approvedArguments.slice(0, 20),
  "no arguments in its object": "{}",
  "arguments as JSON in JSON": JSON.stringify(approvedArguments),
  "masked arguments": "[REDACTED]",
  "one argument more": approvedArguments.replace("}", ',"cc":null}'),
  "other words": approvedArguments.replace("paid", "***"),
};
const failures: Record<string, Record<string, string>> = {
  "its tools could not be listed": {
    message: "Error retrieving tool list from MCP server: 'mailbox'",
  },
  "it is not valid": { code: "invalid_request_error", message: "No such parameter" },
};

export function testRenamedCall(theStack: () => TestStack): void {
  /** What the call names in place of the yes. */
  const unnamed: Record<string, unknown> = {
    "no request": null,
    "an unknown request": "mcpr_unknown",
    "a request by an id of ours": "mcpr_step_1",
  };
  for (const [what, named] of Object.entries(unnamed)) {
    Deno.test(`a response that asks a person, and whose call names ${what}, is read twice: nothing is new`, async () => {
      const { openai, sql } = theStack();
      const { id, body, hear } = await askedUnheard(theStack());
      openai.webhooks.faults.set([{ kind: "lose" }]);
      await hear();
      const { response_id: responseId } = await eventually(
        "the record",
        () => readJob(sql, id),
        (row) => row.attempt === 3 && row.response_id !== null,
      );
      await openaiIsDone(theStack());
      await functionsAreDone(theStack());
      const request = body.output.find(({ type }) => type === "mcp_approval_request");
      const call = {
        ...request,
        id: "mcp_bg",
        type: "mcp_call",
        output: "sent",
        error: null,
        status: "completed",
        approval_request_id: named,
      };
      const question = {
        type: "mcp_approval_request",
        id: "mcpr_office",
        server_label: "unknown_server",
        name: "x",
        arguments: "{}",
      };
      const whole = response("completed", [call, question]);
      openai.faults.set([raw({ ...retrieve, ...ofAttempt(3) }, { body: whole }), works]);
      const webhook = { type: "response.completed", responseId: responseId ?? "" };
      await openai.webhooks.send(webhook);
      await eventually(
        "the question",
        () => readJob(sql, id),
        ({ status }) => status === "awaiting_approval",
      );
      const stepsOf = () =>
        sql`select number, item_id, status from public.response_steps where job_id = ${id} order by number`;
      const before = [...await stepsOf()];
      await openai.webhooks.send(webhook);
      await functionsAreDone(theStack());
      assert.equal((await readJob(sql, id)).status, "awaiting_approval");
      assert.deepEqual([...await stepsOf()], before);
      const [route] = await sql`
        select ignores_approval from public.response_routes r
        join public.response_jobs_internal j on j.route = r.route where j.id = ${id}`;
      assert.equal(route?.["ignores_approval"], false);
      openai.webhooks.faults.clear();
      assert.equal(await sentInAll(theStack()), 1);
    });
  }

  for (const [names, fields] of Object.entries(renamed)) {
    for (const status of ["failed", "completed"]) {
      Deno.test(`a ${status} response whose call has ${names}, and names the yes: it was made`, async () => {
        const { openai, sql } = theStack();
        const { id, body, hear } = await askedUnheard(theStack());
        openai.webhooks.faults.set([{ kind: "lose" }]);
        await hear();
        await eventually(
          "the record",
          () => readJob(sql, id),
          (row) => row.attempt === 3 && row.response_id !== null,
        );
        await openaiIsDone(theStack());
        await functionsAreDone(theStack());
        const request = body.output.find(({ type }) => type === "mcp_approval_request");
        const call = {
          ...request,
          id: "mcp_bg",
          type: "mcp_call",
          output: "sent",
          error: null,
          status: "completed",
          approval_request_id: request?.["id"],
          ...fields,
        };
        const output = status === "completed" ? [call, message("Sent it.")] : [call];
        const why = status === "failed" ? { error: { code: "server_error", message: "x" } } : {};
        openai.faults.set([
          raw({ ...retrieve, ...ofAttempt(3) }, { body: response(status, output, why) }),
          works,
        ]);
        const job = await settledInTime(theStack(), id);
        openai.webhooks.faults.clear();
        const calls = await sql`
          select server_label, tool, status from public.response_steps
          where job_id = ${id} and effect = 'once' and kind = 'mcp_call'`;
        assert.deepEqual([job.status, calls.map((row) => ({ ...row }))], ["completed", [
          { server_label: "mailbox", tool: "gmail_reply_to_email", status: "finished" },
        ]]);
        assert.equal(await sentInAll(theStack()), 1);
        const [route] = await sql`
          select ignores_approval from public.response_routes r
          join public.response_jobs_internal j on j.route = r.route where j.id = ${id}`;
        assert.equal(route?.["ignores_approval"], false);
      });
    }
  }

  for (const [what, args] of Object.entries(rewritten)) {
    for (const synchronous of [false, true]) {
      Deno.test(`a ${synchronous ? "cut stream" : "failed response"} whose call has ${what}, and names the yes: it was made as approved`, async () => {
        const { openai, sql } = theStack();
        const { id, body, hear } = await askedUnheard(theStack());
        openai.webhooks.faults.set([{ kind: "lose" }]);
        const request = body.output.find(({ type }) => type === "mcp_approval_request");
        const call = {
          ...request,
          id: "mcp_bg",
          type: "mcp_call",
          output: "sent",
          error: null,
          status: "completed",
          approval_request_id: request?.["id"],
          arguments: args,
        };
        const why = { error: { code: "server_error", message: "x" } };
        const created = { type: "response.created", response: response("in_progress", []) };
        openai.faults.set(
          synchronous
            ? [
              { kind: "background-unsupported", match: { background: true } },
              raw({ stream: true, ...ofAttempt(2) }, stream(created, ...streamed(call, 0)), {
                runs: true,
                times: 1,
              }),
              works,
            ]
            : [
              raw({ ...retrieve, ...ofAttempt(3) }, { body: response("failed", [call], why) }),
              works,
            ],
        );
        await hear();
        const job = await settledInTime(theStack(), id);
        openai.webhooks.faults.clear();
        const calls = await sql`
          select arguments, item ->> 'arguments' as told, status from public.response_steps
          where job_id = ${id} and effect = 'once' and kind = 'mcp_call'`;
        assert.deepEqual([job.status, calls.map((row) => ({ ...row }))], ["completed", [
          { arguments: approvedArguments, told: approvedArguments, status: "finished" },
        ]]);
        assert.equal(await sentInAll(theStack()), 1);
      });
    }
  }

  for (const [why, error] of Object.entries(failures)) {
    Deno.test(`a response with the yes that fails because ${why}: nothing was done, and nobody is asked`, async () => {
      const { submit, fresh, sql } = theStack();
      begin(theStack(), [{ kind: "background-fails", match: ofAttempt(3), ...error }, works]);
      const { id } = await submit(fresh("mail"), query);
      const job = await settledInTime(theStack(), id);
      const calls = await sql`
        select status from public.response_steps
        where job_id = ${id} and effect = 'once' and kind = 'mcp_call' order by number`;
      const isValid = error["code"] === undefined;
      assert.equal(job.status, isValid ? "completed" : "failed");
      assert.deepEqual(
        calls.map(({ status }) => status),
        isValid ? ["void", "finished"] : ["void"],
      );
      assert.equal(await sentInAll(theStack()), isValid ? 1 : 0);
    });
  }
}
