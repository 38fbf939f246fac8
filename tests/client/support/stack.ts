/** One stack for all tests of a file, with the client's profiles and text that takes time. */
import { fileURLToPath } from "node:url";
import type { SignedInUser } from "../../../packages/dev/auth/auth.ts";
import type { OpenAIStandIn } from "../../../packages/dev/openai/mod.ts";
import { type Stack, startStack } from "../../../packages/dev/stack.ts";
import { forFile } from "../../support/for-file.ts";

export interface ClientStack {
  stack: Stack;
  openai: OpenAIStandIn;
  user: SignedInUser;
}

export function clientStackForFile(): () => ClientStack {
  return forFile(async (parts) => {
    const stack = await startStack({
      durable: false,
      profiles: fileURLToPath(new URL("./profiles.ts", import.meta.url)),
      openaiTimings: { queuedMs: 5, stepMs: 5, deltaMs: 30 },
    });
    parts.defer(() => stack.stop());
    const { openai } = stack;
    if (openai === undefined) {
      throw new Error("Cannot test without the OpenAI stand-in");
    }
    return { stack, openai, user: await stack.createUser() };
  });
}
