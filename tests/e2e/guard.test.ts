/** The guard in background: no `once` call is made before its row is there, and nothing waits unnecessarily. */
import { onTestProfiles, stackForFile } from "../support/stack.ts";
import { testAtOnce } from "./guard/at-once.ts";
import { testCarefulWaiting } from "./guard/careful.ts";
import { testContinuationAnswers } from "./guard/continuation-answers.ts";
import { testGoingOn } from "./guard/going-on.ts";
import { testIgnoredApproval } from "./guard/ignored.ts";
import { testMixedRequests } from "./guard/mixed.ts";
import { testUnreadable } from "./guard/unreadable.ts";

const theStack = stackForFile(onTestProfiles);

testGoingOn(theStack);
testAtOnce(theStack);
testUnreadable(theStack);
testCarefulWaiting(theStack);
testIgnoredApproval(theStack);
testContinuationAnswers(theStack);
// Last: the responses that it gives up stay at OpenAI.
testMixedRequests(theStack);
