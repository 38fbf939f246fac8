/** A response says the same, however often it is read. */
import { onTestProfiles, stackForFile } from "../support/stack.ts";
import { testReadTwice } from "./guard/read-twice.ts";

testReadTwice(stackForFile(onTestProfiles));
