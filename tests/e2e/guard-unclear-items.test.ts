/** An item that a stream tells of, and does not show, may be the call. */
import { onTestProfiles, stackForFile } from "../support/stack.ts";
import { testErrorAfterUnclearItem } from "./guard/error-after-unclear-item.ts";

testErrorAfterUnclearItem(stackForFile(onTestProfiles));
