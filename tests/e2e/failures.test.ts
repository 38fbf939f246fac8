/** The whole path for each way in which OpenAI fails: how the job ends, and what OpenAI was sent. */
import { onTestProfiles, stackForFile } from "../support/stack.ts";
import { testBackgroundFailures } from "./failures/background.ts";
import { testLostCreates } from "./failures/lost-create.ts";
import { testRetries } from "./failures/retries.ts";
import { testSynchronousFailures } from "./failures/synchronous.ts";

const theStack = stackForFile(onTestProfiles);

testBackgroundFailures(theStack);
testSynchronousFailures(theStack);
testRetries(theStack);
testLostCreates(theStack);
