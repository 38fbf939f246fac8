/** An id that two requests share answers neither; an item that is listed twice is one. */
import { onTestProfiles, stackForFile } from "../support/stack.ts";
import { testListedTwice } from "./guard/listed-twice.ts";
import { testSameIds } from "./guard/same-ids.ts";

const theStack = stackForFile(onTestProfiles);

testListedTwice(theStack);
// Last: the responses that it makes up never end.
testSameIds(theStack);
