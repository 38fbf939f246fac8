/** That somebody gave up on a request does not say that it was not carried out, in background either. */
import { onTestProfiles, stackForFile } from "../support/stack.ts";
import { testGaveUpInBackground } from "./guard/gave-up.ts";

testGaveUpInBackground(stackForFile(onTestProfiles));
