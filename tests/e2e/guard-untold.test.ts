/** What a response that had the yes does not say is not known; what it says in other words is. */
import { onTestProfiles, stackForFile } from "../support/stack.ts";
import { testRenamedCall } from "./guard/renamed-call.ts";
import { testUntold } from "./guard/untold.ts";

const theStack = stackForFile(onTestProfiles);

testUntold(theStack);
testRenamedCall(theStack);
