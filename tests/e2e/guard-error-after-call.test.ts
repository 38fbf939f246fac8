/** An error of the model may follow a call, and is then no refusal of the request. */
import { onTestProfiles, stackForFile } from "../support/stack.ts";
import { testErrorAfterCall } from "./guard/error-after-call.ts";

testErrorAfterCall(stackForFile(onTestProfiles));
