/** Answers seen in the field, or possible: cut, late, odd, contradictory. No email is sent twice, and no job is lost. */
import { onTestProfiles, stackForFile } from "../support/stack.ts";
import { testCancels } from "./upstream/cancels.ts";
import { testLargeAnswers } from "./upstream/large.ts";
import { testSettling } from "./upstream/settling.ts";
import { testStreams } from "./upstream/streams.ts";
import { testUnreadableCreates } from "./upstream/unreadable-create.ts";

const theStack = stackForFile(onTestProfiles);

testUnreadableCreates(theStack);
testCancels(theStack);
testSettling(theStack);
testLargeAnswers(theStack);
testStreams(theStack);
