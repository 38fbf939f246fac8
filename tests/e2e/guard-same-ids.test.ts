/** An id that two requests share answers neither. */
import { onTestProfiles, stackForFile } from "../support/stack.ts";
import { testSameIds } from "./guard/same-ids.ts";

testSameIds(stackForFile(onTestProfiles));
