/** The Edge Function `respond`, over HTTP, on a whole stack. */
import { onTestProfiles, stackForFile } from "../support/stack.ts";
import { testCallers } from "./respond/callers.ts";
import { testIdempotency } from "./respond/idempotency.ts";
import { testJobActions } from "./respond/job-actions.ts";
import { testRawRequests } from "./respond/raw-requests.ts";
import { testRefusals } from "./respond/refusals.ts";
import { testRoundTrips } from "./respond/round-trips.ts";
import { testWaiting } from "./respond/waiting.ts";

// Round trips are counted first, while no worker is busy with other jobs.
const theStack = stackForFile(onTestProfiles);

testRefusals(theStack);
testRoundTrips(theStack);
testCallers(theStack);
testIdempotency(theStack);
testJobActions(theStack);
testRawRequests(theStack);
testWaiting(theStack);
