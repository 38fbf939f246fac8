/** That somebody gave up on a request does not say that it was not carried out. */
import { onTestProfiles, stackForFile } from "../support/stack.ts";
import { testGaveUp } from "./guard/gave-up.ts";

testGaveUp(stackForFile(onTestProfiles));
