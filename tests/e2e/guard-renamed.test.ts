/** What a response that had the yes says in other words is known. */
import { onTestProfiles, stackForFile } from "../support/stack.ts";
import { testRenamedCall } from "./guard/renamed-call.ts";

testRenamedCall(stackForFile(onTestProfiles));
