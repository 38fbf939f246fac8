/** What one user causes at OpenAI affects only that user: routes, and so all other users, are unchanged. */
import assert from "node:assert/strict";
import { onTestProfiles, stackForFile } from "../support/stack.ts";
import { createBackground, createStream, raw, response } from "../e2e/upstream/answers.ts";
import { answering, outcomeOf, submitUnder } from "../e2e/upstream/ask.ts";

const theStack = stackForFile(onTestProfiles);

/** The state of a job's route. */
async function routeOf(id: string) {
  const [route] = await theStack().sql`
    select breaker, background_failures as failures, pause_reason as pause
    from public.response_routes r join public.response_jobs_internal j on j.route = r.route
    where j.id = ${id}`;
  return { ...route };
}

const untouched = { breaker: "closed", failures: 0, pause: null };

/** OpenAI's message about what a caller sent, which quotes the caller's words. */
const quoted = (words: string) => ({
  error: {
    message: `Cannot decode the image at https://x.example/${words}.png`,
    type: "invalid_request_error",
    param: "url",
    code: "invalid_image_url",
  },
});

for (const words of ["insufficient_quota", "billing_not_active", "exceeded your current quota"]) {
  Deno.test(`a picture's name with '${words}' in it pauses nobody`, async () => {
    const { finished } = theStack();
    const id = await submitUnder(theStack(), "direct", answering, [
      raw(createStream, { status: 400, body: quoted(words) }, { times: 1 }),
    ]);
    const job = await finished(id);
    assert.deepEqual([job.status, job.error_code], ["failed", "openai_invalid_request"]);
    assert.deepEqual(await routeOf(id), untouched);
  });
}

Deno.test("pictures that OpenAI cannot download take background from nobody", async () => {
  const { openai, fresh, submit, finished } = theStack();
  const profile = fresh("plain");
  const message = "Timeout while downloading https://x.example/cat.png";
  openai.faults.set([
    raw(createBackground, {
      body: response("failed", [], {
        id: "resp_failed",
        error: { code: "failed_to_download_image", message },
      }),
    }),
  ]);
  for (let time = 0; time < 4; time++) {
    const { id } = await submit(profile, answering);
    const job = await finished(id);
    assert.deepEqual([job.status, job.fallback_reason], ["completed", "openai_download_failed"]);
    assert.deepEqual(await routeOf(id), untouched);
  }
  openai.faults.clear();
});

Deno.test("a value that speaks of encrypted content takes the reasoning of nobody's later runs", async () => {
  const { openai, finished, fresh, submit } = theStack();
  openai.faults.clear();
  const id = await submitUnder(theStack(), "direct", answering, [
    raw(createStream, { status: 400, body: quoted("encrypted_content") }, { times: 2 }),
  ]);
  assert.equal((await outcomeOf(theStack(), (await finished(id)).id)).status, "failed");
  openai.faults.clear();
  const from = openai.requests.length;
  await finished((await submit(fresh("direct"), answering)).id);
  const [create] = openai.requests.slice(from).filter(({ method, path }) =>
    method === "POST" && path === "/v1/responses"
  );
  assert.deepEqual(Object(create?.body)["include"], ["reasoning.encrypted_content"]);
});
