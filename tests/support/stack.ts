/** The whole stack, for tests; its database is not durable unless asked for. */
import { type Stack, type StackOptions, startStack } from "../../packages/dev/stack.ts";
import { forFile } from "./for-file.ts";

/** One stack for all tests of a file: started before the first, stopped after the last. */
export function stackForFile(options: StackOptions = {}): () => Stack {
  return forFile(async (parts) => {
    const stack = await startStack({ durable: false, ...options });
    parts.defer(() => stack.stop());
    return stack;
  });
}

/** Runs `run` with a stack of its own and stops that whatever happens. */
export async function withStack(
  options: StackOptions,
  run: (stack: Stack) => Promise<void>,
): Promise<void> {
  const stack = await startStack({ durable: false, ...options });
  try {
    await run(stack);
  } finally {
    await stack.stop();
  }
}
