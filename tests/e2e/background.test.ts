/** Background jobs from acceptance to their end: webhooks, polls, cancels, and what wakes the worker. */
import { onTestProfiles, stackForFile } from "../support/stack.ts";
import { testUpstreamCancels } from "./background/cancels.ts";
import { testPolling } from "./background/polling.ts";
import { testWaking } from "./background/waking.ts";
import { testWebhookRefusals } from "./background/webhook-refusals.ts";
import { testWebhooks } from "./background/webhooks.ts";

const theStack = stackForFile(onTestProfiles);

testWebhookRefusals(theStack);
testWebhooks(theStack);
testPolling(theStack);
testUpstreamCancels(theStack);
testWaking(theStack);
