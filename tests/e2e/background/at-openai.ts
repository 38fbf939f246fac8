/** A job whose response is at OpenAI, and the state of that response. */
import type { Sql } from "postgres";
import type { Fault } from "../../../packages/dev/openai/mod.ts";
import { eventually } from "../../support/eventually.ts";
import { readJob } from "../../support/jobs.ts";
import type { ProfileName } from "../../support/profiles.ts";
import type { TestStack } from "../../support/stack.ts";

/** Submits a query under a fault and returns the job and its recorded response. */
export async function handedOver(
  test: TestStack,
  fault: Fault,
  query = "[[plan: text all done]]",
  profile: ProfileName = "plain",
): Promise<{ id: string; responseId: string }> {
  const { openai, submit, fresh, sql } = test;
  openai.faults.set([{ ...fault, times: 1 }]);
  const { id } = await submit(fresh(profile), query);
  openai.faults.clear();
  return { id, responseId: await recorded(sql, id) };
}

/** Waits for OpenAI's id in a job's row, which is written while the caller is being answered. */
export async function recorded(sql: Sql, id: string): Promise<string> {
  const { response_id } = await eventually(
    "OpenAI's id in the row",
    () => readJob(sql, id),
    (row) => row.response_id !== null,
  );
  return response_id ?? "";
}

/** How often OpenAI got a retrieve or a cancel of a response. */
export function callsFor({ openai }: TestStack, responseId: string, action = ""): number {
  return openai.requests.filter(({ path }) => path === `/v1/responses/${responseId}${action}`)
    .length;
}

/** Waits until OpenAI runs nothing, and no webhook is left to send. */
export async function openaiIsDone({ openai }: TestStack): Promise<void> {
  await eventually("the end of all runs", () => openai.activeRuns(), (runs) => runs === 0);
  await openai.webhooks.idle();
}

/** Waits until the functions have nothing left to do. */
export async function functionsAreDone({ stack }: TestStack): Promise<void> {
  await eventually(
    "the rest of all functions",
    () => stack.edge.workers(),
    (workers) => workers.every(({ pending, inFlight }) => pending === 0 && inFlight === 0),
  );
}
