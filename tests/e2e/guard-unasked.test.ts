/** Where OpenAI need not ask before a call, a response that shows nothing says nothing. */
import { onTestProfiles, stackForFile } from "../support/stack.ts";
import { testUnaskedInBackground } from "./guard/unasked-in-background.ts";

testUnaskedInBackground(stackForFile(onTestProfiles));
