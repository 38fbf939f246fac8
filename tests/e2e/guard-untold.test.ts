/** What a response that had the yes does not say is not known. */
import { onTestProfiles, stackForFile } from "../support/stack.ts";
import { testUntold } from "./guard/untold.ts";

testUntold(stackForFile(onTestProfiles));
