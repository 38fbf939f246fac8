/** Nothing is sent for a job whose time is up. */
import { onTestProfiles, stackForFile } from "../support/stack.ts";
import { testDeadlinePassed } from "./guard/deadline-passed.ts";

testDeadlinePassed(stackForFile(onTestProfiles));
