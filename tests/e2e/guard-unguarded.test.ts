/** A synchronous request whose response may call unasked is in the ledger before it is sent; and an error after a call is no refusal. */
import { onTestProfiles, stackForFile } from "../support/stack.ts";
import { testErrorAfterCall } from "./guard/error-after-call.ts";
import { testUnguardedRequests } from "./guard/unguarded-requests.ts";

const theStack = stackForFile(onTestProfiles);

testUnguardedRequests(theStack);
testErrorAfterCall(theStack);
