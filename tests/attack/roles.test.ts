/** Who may do what: everybody tries everything, compared with the tables of docs/security.md. */
import { fastTimings } from "../../packages/dev/openai/mod.ts";
import { onTestProfiles, stackForFile } from "../support/stack.ts";
import { testDatabaseFunctions } from "./roles/database-functions.ts";
import { testRequests } from "./roles/requests.ts";
import { testTables } from "./roles/tables.ts";
import { testTopics } from "./roles/topics.ts";

const theStack = stackForFile({ ...onTestProfiles, openaiTimings: fastTimings });

// Jobs must not move while everybody tries to reach them.
Deno.test.beforeAll(async () => {
  const { openai, sql } = theStack();
  openai.faults.set([{ kind: "stuck-queued" }]);
  // If OpenAI accepts too late, on a busy machine, jobs fall back. They must not run either.
  await sql`update public.response_settings set max_running = 0, breaker_failures = 1000`;
});

testRequests(theStack);
testTables(theStack);
testTopics(theStack);
// Last, because a secret key may call functions that settle and claim jobs.
testDatabaseFunctions(theStack);
