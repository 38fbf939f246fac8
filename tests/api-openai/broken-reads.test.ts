/** A stream of what is accepted continues if the database fails once, and never says that the request was refused. */
import assert from "node:assert/strict";
import OpenAI from "openai";
import {
  find,
  open,
  outputsOf,
  porterOn,
  reply,
  type Response,
  yesesOf,
} from "./support/porter.ts";
import { sharedSdk } from "./support/sdk.ts";

const theSdk = sharedSdk();
const { ask, mails } = porterOn(theSdk);

const answer = (asked: Response) =>
  theSdk().client.responses.create({
    model: "porter",
    previous_response_id: asked.id,
    input: [...yesesOf(asked), ...outputsOf(asked)] as unknown as OpenAI.Responses.ResponseInput,
    stream: true,
  });

/** Fails calls of a function with an error of Postgres that nobody knows, or with what is no JSON. */
function fail(name: string, times: number, status = 500): () => number {
  const { proxy } = theSdk().stack;
  let failed = 0;
  proxy.intercept = (path) => {
    if (!path.endsWith(`/${name}`) || failed >= times) return undefined;
    failed++;
    return status === 200
      ? Response.json({ odd: true })
      : Response.json({ code: "XX000", message: "odd" }, { status });
  };
  return () => failed;
}

for (const name of ["read_response_events", "get_response_record"]) {
  Deno.test(`${name} fails once, after the answers were accepted: the stream has its end`, async () => {
    const { asked } = await ask(find, open("1"), reply);
    const before = mails();
    // Answers are read before they are given: only what comes after that must not fail.
    const { proxy } = theSdk().stack;
    let isGiven = false;
    let failed = 0;
    proxy.intercept = (path) => {
      if (path.endsWith("/answer_response_job")) isGiven = true;
      if (!isGiven || !path.endsWith(`/${name}`) || failed > 0) return undefined;
      failed++;
      return Response.json({ code: "XX000", message: "odd" }, { status: 500 });
    };
    try {
      const events = await Array.fromAsync(await answer(asked));
      assert.equal(events.at(-1)?.type, "response.completed");
    } finally {
      proxy.intercept = undefined;
    }
    assert.equal(failed, 1);
    assert.equal(mails(), before + 1);
  });
}

Deno.test("what cannot be read at all ends the stream with the response's id, and nothing about sending it again", async () => {
  const { client, stack } = theSdk();
  const failed = fail("read_response_events", 1_000, 200);
  try {
    const stream = await client.responses.create({
      model: "mail",
      input: "Hi",
      background: true,
      stream: true,
    });
    await assert.rejects(Array.fromAsync(stream), (error) => {
      assert.ok(error instanceof OpenAI.APIError);
      assert.equal(error.code, "response_in_progress");
      assert.match(error.message, /response resp_[0-9a-f]{32} continues\. Retrieve it/);
      assert.doesNotMatch(error.message, /again/);
      return true;
    });
  } finally {
    stack.proxy.intercept = undefined;
  }
  assert.ok(failed() > 0);
});
