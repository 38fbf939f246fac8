/** Responses of other jobs, and responses that hide what they did without a yes. */
import { onTestProfiles, stackForFile } from "../support/stack.ts";
import { testOfAnotherJob } from "./guard/of-another-job.ts";
import { testUnreadRun } from "./guard/unread-run.ts";

const theStack = stackForFile(onTestProfiles);

testOfAnotherJob(theStack);
testUnreadRun(theStack);
