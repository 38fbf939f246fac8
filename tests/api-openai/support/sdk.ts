/** A stack, and the unchanged openai SDK, which uses its endpoint. */
import assert from "node:assert/strict";
import OpenAI from "openai";
import { fileURLToPath } from "node:url";
import type { StackOptions } from "../../../packages/dev/stack.ts";
import { jobIdOf } from "../../../supabase/functions/_durable_responses/model/ids.ts";
import { eventually } from "../../support/eventually.ts";
import { sharedStack } from "../../support/shared-stack.ts";
import {
  onTestProfiles,
  stackForFile,
  type TestStack,
  type TestStackOptions,
} from "../../support/stack.ts";

/** Where a request's metadata has its job's id. */
const jobKey = "durable_responses_job_id";

export interface Sdk {
  /** With the user's token as key. */
  client: OpenAI;
  stack: TestStack;
  /** With another key, other headers or another fetch. */
  clientWith(options: ConstructorParameters<typeof OpenAI>[0]): OpenAI;
}

const apiProfiles: TestStackOptions = {
  ...onTestProfiles,
  profiles: fileURLToPath(new URL("./profiles.ts", import.meta.url)),
};

/** On the stack that the files of this folder share. */
export function sharedSdk(): () => Sdk {
  const theStack = sharedStack(apiProfiles);
  return () => sdkOf(theStack());
}

/** On a stack with options of its own. */
export function sdkForFile(options: StackOptions): () => Sdk {
  const theStack = stackForFile({ ...apiProfiles, ...options });
  return () => sdkOf(theStack());
}

function sdkOf(stack: TestStack): Sdk {
  const clientWith: Sdk["clientWith"] = (more) =>
    new OpenAI({
      baseURL: `${stack.stack.functionsUrl}/respond/v1`,
      apiKey: stack.user.token,
      maxRetries: 0,
      ...more,
    });
  return { client: clientWith({}), stack, clientWith };
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

/** What OpenAI was last asked for this response. */
export function sentFor({ openai }: TestStack, { id }: { id: string }): Record<string, unknown> {
  const job = jobIdOf(id) ?? assert.fail(`${id} is no response's id`);
  const { body } =
    openai.requests.findLast(({ path, method, body }) =>
      path === "/v1/responses" && method === "POST" && Object(body).metadata?.[jobKey] === job
    ) ?? assert.fail(`OpenAI was not asked for ${id}`);
  return { ...Object(body) };
}
