/** An error of the model may follow a call, and is then no refusal of the request. */
import { onTestProfiles, stackForFile } from "../support/stack.ts";
import { testErrorAfterCall } from "./guard/error-after-call.ts";

// Last of a file: from here on, the isolate streams nothing of this model.
testErrorAfterCall(stackForFile(onTestProfiles));
