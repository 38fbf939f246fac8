/** A stack, and the unchanged openai SDK, which uses its endpoint. */
import OpenAI from "openai";
import { fileURLToPath } from "node:url";
import type { StackOptions } from "../../../packages/dev/stack.ts";
import { eventually } from "../../support/eventually.ts";
import { onTestProfiles, stackForFile, type TestStack } from "../../support/stack.ts";

export interface Sdk {
  /** With the user's token as key. */
  client: OpenAI;
  stack: TestStack;
  /** With another key, other headers or another fetch. */
  clientWith(options: ConstructorParameters<typeof OpenAI>[0]): OpenAI;
}

/** One stack for all tests of a file. */
export function sdkForFile(options: StackOptions = {}): () => Sdk {
  const theStack = stackForFile({
    ...onTestProfiles,
    profiles: fileURLToPath(new URL("./profiles.ts", import.meta.url)),
    ...options,
  });
  return () => {
    const stack = theStack();
    const clientWith: Sdk["clientWith"] = (more) =>
      new OpenAI({
        baseURL: `${stack.stack.functionsUrl}/respond/v1`,
        apiKey: stack.user.token,
        maxRetries: 0,
        ...more,
      });
    return { client: clientWith({}), stack, clientWith };
  };
}

/** Polls as the SDK's documentation does, until the response is neither queued nor in progress. */
export async function polled(client: OpenAI, id: string): Promise<OpenAI.Responses.Response> {
  return await eventually(
    `the end of response ${id}`,
    () => client.responses.retrieve(id),
    ({ status }) => status !== "queued" && status !== "in_progress",
    { everyMs: 50 },
  );
}
