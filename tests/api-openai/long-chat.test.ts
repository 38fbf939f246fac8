/** A chat whose turns are each a response: each request names the items of all of them. */
import assert from "node:assert/strict";
import {
  itemIdOf,
  placeOfUpstreamId,
} from "../../supabase/functions/_durable_responses/model/ids.ts";
import { writeHistory } from "../support/job-history.ts";
import { refusalOf } from "./support/refusal.ts";
import { sharedSdk } from "./support/sdk.ts";

const theSdk = sharedSdk();

/** Turns as they are stored, and as the AI SDK sends them: a question, and a reference to the answer. */
async function chatOf(turns: number) {
  const { stack } = theSdk();
  const at = new Date().toISOString();
  const jobs = Array.from({ length: turns }, (_, turn) => ({
    id: crypto.randomUUID(),
    owner_id: stack.user.id,
    profile: "plain",
    input: `Question ${turn}`,
    route: "plain",
    created_at: at,
    status: "completed",
    finished_at: at,
    attempt: 1,
    output_text: `Answer ${turn}`,
    output: [{
      type: "message",
      id: `msg_${turn}`,
      role: "assistant",
      status: "completed",
      content: [{ type: "output_text", text: `Answer ${turn}`, annotations: [] }],
    }],
  }));
  await writeHistory(stack.sql, { jobs, attempts: [], steps: [] });
  return jobs.flatMap(({ id, input }, turn) => [
    { role: "user" as const, content: input },
    {
      type: "item_reference" as const,
      id: itemIdOf(id, "message", placeOfUpstreamId(`msg_${turn}`)),
    },
  ]);
}

Deno.test("its five hundredth turn has the whole conversation; somebody else's items are not found", async () => {
  const { client, clientWith, stack } = theSdk();
  const chat = await chatOf(499);
  const before = stack.proxy.paths.length;
  const next = { role: "user" as const, content: "And now?" };
  assert.equal(
    (await client.responses.create({ model: "plain", input: [...chat, next] })).status,
    "completed",
  );
  const { body } = stack.openai.requests.at(-1) ?? assert.fail();
  const { input } = Object(body);
  assert.equal(input.length, 999);
  assert.match(JSON.stringify(input.slice(-3)), /Question 498.*Answer 498.*And now/);
  const reads = stack.proxy.paths.slice(before).filter((path) =>
    path.includes("get_response_record")
  );
  assert.ok(reads.length <= 30, `${reads.length} reads`);

  const stranger = clientWith({ apiKey: (await stack.stack.createUser()).token });
  const error = await refusalOf(
    stranger.responses.create({ model: "plain", input: [...chat.slice(0, 40), next] }),
  );
  assert.deepEqual([error.status, error.code, error.param], [400, "item_not_found", "input[1]"]);
});

Deno.test("more than a thousand responses are refused, and the refusal says what to do", async () => {
  const { client } = theSdk();
  const references = Array.from({ length: 1_001 }, () => ({
    type: "item_reference" as const,
    id: itemIdOf(crypto.randomUUID(), "message", 1),
  }));
  const error = await refusalOf(client.responses.create({ model: "plain", input: references }));
  assert.deepEqual([error.status, error.param], [400, "input"]);
  assert.match(error.message, /at most 1000.*send their text/);
});
