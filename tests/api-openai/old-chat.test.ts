/** A chat that is longer than responses are stored goes on without what is gone. */
import assert from "node:assert/strict";
import type OpenAI from "openai";
import {
  itemIdOf,
  placeOfUpstreamId,
} from "../../supabase/functions/_durable_responses/model/ids.ts";
import { writeHistory } from "../support/job-history.ts";
import { refusalOf } from "./support/refusal.ts";
import { sharedSdk } from "./support/sdk.ts";

const theSdk = sharedSdk();

const hourMs = 3_600_000;

/** A UUIDv7 of that age, as jobs have. */
function jobIdFrom(agoMs: number): string {
  const time = (Date.now() - agoMs).toString(16).padStart(12, "0");
  const random = crypto.randomUUID().slice(15);
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random}`;
}

/** A turn with a call of the caller's function, as libraries keep it: whole, or by reference. */
function turnOf(job: string): Record<string, OpenAI.Responses.ResponseInput> {
  const [call, message] = [itemIdOf(job, "function_call", 1), itemIdOf(job, "message", 2)];
  const output = { type: "function_call_output" as const, call_id: "call_1", output: "12" };
  return {
    "whole": [
      {
        type: "function_call",
        id: call,
        call_id: "call_1",
        name: "count",
        arguments: "{}",
        status: "completed",
      },
      output,
      {
        type: "message",
        id: message,
        role: "assistant",
        status: "completed",
        content: [{ type: "output_text", text: "There are twelve.", annotations: [] }],
      },
    ],
    "by reference": [
      { type: "item_reference", id: call },
      output,
      { type: "item_reference", id: message },
    ],
  };
}

const asked = { role: "user" as const, content: "How many?" };
const next = () => ({ role: "user" as const, content: `And now? ${crypto.randomUUID()}` });

function sent(): Record<string, unknown>[] {
  const { body } = theSdk().stack.openai.requests.at(-1) ?? assert.fail();
  return Object(body).input;
}

for (const kind of ["whole", "by reference"]) {
  Deno.test(`the turns of a response that is no longer stored, ${kind}: messages stay as text, calls stay behind`, async () => {
    const { client, clientWith, stack } = theSdk();
    for (const caller of [client, clientWith({ apiKey: stack.stack.secretKey })]) {
      const old = turnOf(jobIdFrom(40 * 24 * hourMs))[kind] ?? assert.fail();
      const now = next();
      const { status } = await caller.responses.create({
        model: "plain",
        input: [asked, ...old, now],
      });
      assert.equal(status, "completed");
      const said = [{ role: "assistant", content: "There are twelve." }];
      assert.deepEqual(
        sent().map(({ role, content }) => ({ role, content })),
        [asked, ...(kind === "whole" ? said : []), now],
      );
    }
  });

  Deno.test(`a response that cannot have been deleted by its age, ${kind}, is not found: 400`, async () => {
    const old = turnOf(jobIdFrom(hourMs))[kind] ?? assert.fail();
    const error = await refusalOf(
      theSdk().client.responses.create({ model: "plain", input: [asked, ...old, next()] }),
    );
    assert.deepEqual([error.status, error.code, error.param], [400, "item_not_found", "input[1]"]);
  });
}

Deno.test("somebody else's old response is as one that is gone: nothing of it is used", async () => {
  const { client, stack } = theSdk();
  const id = jobIdFrom(40 * 24 * hourMs);
  const at = new Date(Date.now() - 40 * 24 * hourMs).toISOString();
  const message = {
    type: "message",
    id: "msg_1",
    role: "assistant",
    status: "completed",
    content: [{ type: "output_text", text: "Their secret", annotations: [] }],
  };
  await writeHistory(stack.sql, {
    jobs: [{
      id,
      owner_id: (await stack.stack.createUser()).id,
      profile: "plain",
      input: "Theirs",
      route: "plain",
      created_at: at,
      status: "completed",
      finished_at: at,
      attempt: 1,
      output_text: "Their secret",
      output: [message],
    }],
    attempts: [],
    steps: [],
  });
  const reference = {
    type: "item_reference" as const,
    id: itemIdOf(id, "message", placeOfUpstreamId("msg_1")),
  };
  const now = next();
  await client.responses.create({ model: "plain", input: [asked, reference, now] });
  assert.deepEqual(sent().map(({ content }) => content), [asked.content, now.content]);
});

Deno.test("an output that answers now, of a call that is gone, is not dropped without a word: 400", async () => {
  const [call, output] = turnOf(jobIdFrom(40 * 24 * hourMs))["whole"] ?? assert.fail();
  assert.ok(call && output);
  const error = await refusalOf(
    theSdk().client.responses.create({ model: "plain", input: [asked, call, output] }),
  );
  assert.deepEqual([error.status, error.code], [400, "item_not_found"]);
});
