/** The request that has the yes, in background: what it is answered with, and when it is sent. */
import { onTestProfiles, stackForFile } from "../support/stack.ts";
import { testAnotherResponse } from "./guard/another-response.ts";
import { testRefusedYes } from "./guard/refused-yes.ts";
import { testUnreadWebhook } from "./guard/unread-webhook.ts";
import { testWholeAnswer } from "./guard/whole-answer.ts";

const theStack = stackForFile(onTestProfiles);

testAnotherResponse(theStack);
testRefusedYes(theStack);
testUnreadWebhook(theStack);
testWholeAnswer(theStack);
