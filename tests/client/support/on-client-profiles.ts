/** The stack of the client's tests: with their own profiles, and text that takes time. */
import { fileURLToPath } from "node:url";
import type { TestStackOptions } from "../../support/stack.ts";

export const onClientProfiles: TestStackOptions = {
  profiles: fileURLToPath(new URL("./profiles.ts", import.meta.url)),
  openaiTimings: { queuedMs: 5, stepMs: 5, deltaMs: 30 },
};
