/** Calls of every kind in one output: ours, the caller's, one that a person is asked about, and one that OpenAI makes. */
import { findEmail, replyToEmail } from "../../packages/dev/mcp/mailbox.ts";
import assert from "node:assert/strict";
import { eventually } from "../support/eventually.ts";
import { readJob } from "../support/jobs.ts";
import { sharedTools } from "./support/tools-stack.ts";

const theStack = sharedTools();

const open = 'call open_door {"door":"1"}';
const refund = 'call refund {"amount":80}';
const look = 'call look {"body":"x"}';
const reply = replyToEmail("It is paid.");

for (const profile of ["mixed", "mixed_in_background"]) {
  for (
    const order of [[look, reply], [open, look, reply], [refund, look, reply], [
      look,
      refund,
      open,
      reply,
    ]]
  ) {
    Deno.test(`${profile}: ${order.map((step) => step.split(" {")[0]).join(", ")}`, async () => {
      const { submit, ask, begin, notes, stack, sql, openai } = theStack();
      await begin();
      stack.mailbox.reset();
      openai.faults.set([{ kind: "background-works" }]);
      const { id } = await submit(
        profile,
        `[[plan: ${findEmail("invoice")}; ${order.join("; ")}]]`,
      );
      const ends = ["completed", "failed", "awaiting_approval", "awaiting_tool_output"];
      for (let asked = 0;; asked++) {
        const row = await eventually(
          "the job to rest",
          () => readJob(sql, id),
          ({ status }) => ends.includes(status),
        );
        if (row.status === "completed" || row.status === "failed") {
          assert.equal(row.status, "completed", row.error_message ?? "");
          break;
        }
        assert.ok(asked < 4, "it keeps asking");
        assert.equal(
          (await notes("look")).length,
          0,
          "nothing of a response is made before its answers",
        );
        const { waiting } = Object((await ask({ path: `/${id}` })).body);
        for (const { kind, request_id, digest, call_id } of waiting) {
          if (kind === "function_call" && row.status === "awaiting_tool_output") {
            await ask({ path: `/${id}/tool-output`, body: { call_id, output: "done" } });
          } else if (kind !== "function_call") {
            await ask({ path: `/${id}/approve`, body: { approve: true, request_id, digest } });
          }
        }
      }
      assert.equal((await notes("look")).length, 1);
      assert.equal((await notes("refund")).length, order.includes(refund) ? 1 : 0);
      assert.equal(stack.mailbox.sent.length, 1, "emails");
    });
  }
}

Deno.test("a stream shows what we called as done, and hands out what is the caller's", async () => {
  const { stack, user, begin } = theStack();
  await begin();
  const types = async (input: string) => {
    const answer = await fetch(`${stack.functionsUrl}/respond/v1/responses`, {
      method: "POST",
      headers: { authorization: `Bearer ${user.token}`, "content-type": "application/json" },
      body: JSON.stringify({ model: "caller", input, stream: true }),
    });
    const text = await answer.text();
    return text.split("\n\n").flatMap((block) => {
      const data = /^data: (.*)$/m.exec(block)?.[1];
      const event = data?.startsWith("{") ? JSON.parse(data) : undefined;
      return event?.type === "response.output_item.done"
        ? [`${event.item.type} ${event.item.name ?? ""}`.trim()]
        : [];
    });
  };
  assert.deepEqual(await types('[[plan: call look {"body":"x"}]]'), ["mcp_call look", "message"]);
  assert.deepEqual(await types(`[[plan: ${open}]]`), ["function_call open_door"]);
});
