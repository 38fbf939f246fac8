/** A synchronous request whose response may call unasked is in the ledger before it is sent. */
import { onTestProfiles, stackForFile } from "../support/stack.ts";
import { testUnguardedRequests } from "./guard/unguarded-requests.ts";

const theStack = stackForFile(onTestProfiles);

testUnguardedRequests(theStack);
