/** A stack with the profiles of these tests, and the tables of their tools. */
import { fileURLToPath } from "node:url";
import { eventually } from "../../support/eventually.ts";
import { forFile } from "../../support/for-file.ts";
import { sharedBy } from "../../support/shared.ts";
import { renewStack } from "../../support/shared-stack.ts";
import { startTestStack, type TestStack, type TestStackOptions } from "../../support/stack.ts";
import { makeTables } from "./tables.ts";

export const toolProfiles = fileURLToPath(new URL("./profiles.ts", import.meta.url));

export interface ToolsStack extends TestStack {
  /** What tools have written since the last `begin`. */
  notes(tool: string): Promise<{ body: string; owner_id: string | null; key: string }[]>;
  orders(): Promise<{ owner_id: string; item: string }[]>;
  steps(id: string): Promise<Record<string, unknown>[]>;
  /** Deletes what tools have written, and removes faults. */
  begin(): Promise<void>;
}

const options = { profiles: toolProfiles, cronByHand: true };
const startedOnce = sharedBy(startTools, renewStack);

/** The stack that the files of this folder share. */
export function sharedTools(): () => ToolsStack {
  const theStack = startedOnce(options);
  return forFile(async () => {
    const shared = theStack();
    return withTables(shared.as(await shared.stack.createUser()));
  });
}

/** On a stack with options of its own. */
export function toolsStackForFile(more: TestStackOptions): () => ToolsStack {
  return forFile(async (parts) => withTables(await startTools(parts, { ...options, ...more })));
}

async function startTools(
  parts: AsyncDisposableStack,
  options: TestStackOptions,
): Promise<TestStack> {
  const test = await startTestStack(parts, options);
  await makeTables(test.sql);
  await apiKnows(test);
  return test;
}

function withTables(test: TestStack): ToolsStack {
  const { sql, openai } = test;
  return Object.assign(test, {
    notes: async (tool: string) => [
      ...await sql<{ body: string; owner_id: string | null; key: string }[]>`
        select body, owner_id, key from public.notes where tool = ${tool} order by id`,
    ],
    orders: async () => [
      ...await sql<{ owner_id: string; item: string }[]>`
        select owner_id, item from public.orders order by id`,
    ],
    steps: async (id: string) => [
      ...await sql<Record<string, unknown>[]>`
        select kind, status, tool, run_by, effect, output, error, attempt
        from public.response_steps where job_id = ${id} order by number`,
    ],
    begin: async () => {
      openai.faults.clear();
      await sql`truncate public.notes, public.orders, public.seen`;
    },
  });
}

/** PostgREST reloads its schema cache at its own pace. */
async function apiKnows({ stack }: TestStack): Promise<void> {
  await eventually("the API to know the tables", async () => {
    const answer = await fetch(`${stack.apiUrl}/rest/v1/notes?limit=1`, {
      headers: { apikey: stack.secretKey, authorization: `Bearer ${stack.secretKey}` },
    });
    await answer.body?.cancel();
    return answer.ok;
  });
}
