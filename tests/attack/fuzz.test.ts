/**
 * Whatever is sent to an endpoint, the answer is a documented 4xx, never a 500, and there are exactly as many rows as accepted
 * jobs. Accepted jobs stay stuck at OpenAI, so that nothing else runs during the attack.
 */
import { fastTimings } from "../../packages/dev/openai/mod.ts";
import { onTestProfiles, stackForFile } from "../support/stack.ts";
import { fuzzOpenAIApi } from "./fuzz/openai-api.ts";
import { fuzzRespond } from "./fuzz/respond.ts";
import { fuzzRunJobs } from "./fuzz/run-jobs.ts";
import { fuzzWebhook } from "./fuzz/webhook.ts";

const theStack = stackForFile({ ...onTestProfiles, openaiTimings: fastTimings });

Deno.test.beforeAll(async () => {
  const { openai, sql } = theStack();
  openai.faults.set([{ kind: "stuck-queued" }]);
  // If OpenAI accepts too late, on a busy machine, jobs fall back. They must not run either.
  await sql`update public.response_settings set max_running = 0, breaker_failures = 1000`;
});

fuzzRespond(theStack);
fuzzOpenAIApi(theStack);
fuzzWebhook(theStack);
fuzzRunJobs(theStack);
