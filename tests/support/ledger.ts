/** Steps of a job: made as a worker sends them, and read as the database stores them. */
import type { JSONValue, Row } from "postgres";
import { type JobView, jobView } from "./machine-shapes.ts";
import type { Machine } from "./machine.ts";
import type { AttemptKey } from "../../supabase/functions/_durable_responses/model/job.ts";

export type Effect = "none" | "idempotent" | "once";
export type StepInput = Record<string, JSONValue>;

/** A call of the mailbox's `tool`. Its effect is `once` by default. */
export function callStep(
  status: "started" | "finished" | "failed" | "uncertain" | "void",
  more: StepInput = {},
): StepInput {
  return {
    item_id: "mcp_1",
    kind: "mcp_call",
    status,
    effect: "once",
    server_label: "mailbox",
    tool: "send",
    arguments: '{"to":"a"}',
    call_key: "send a",
    ...(status === "finished" && { output: "sent", item: { type: "mcp_call", id: "mcp_1" } }),
    ...(status === "failed" && { error: "no", item: { type: "mcp_call", id: "mcp_1" } }),
    ...more,
  };
}

/** A finished item of another kind. */
export function itemStep(kind: string, more: StepInput = {}): StepInput {
  const id = `${kind}_1`;
  return { item_id: id, kind, status: "finished", item: { type: kind, id }, ...more };
}

/** The digest of such a call: SHA-256 of server, tool and arguments, each as a JSON string. */
export async function digestOf(server: string, tool: string, args: string): Promise<string> {
  const shown = new TextEncoder().encode(
    [server, tool, args].map((text) => JSON.stringify(text)).join(""),
  );
  return Array.from(
    new Uint8Array(await crypto.subtle.digest("SHA-256", shown)),
    (byte) => byte.toString(16).padStart(2, "0"),
  ).join("");
}

/** A request for approval. */
export function askStep(id = "mcpr_1", args = '{"to":"a"}'): StepInput {
  return {
    item_id: id,
    kind: "mcp_approval_request",
    status: "waiting",
    server_label: "mailbox",
    tool: "send",
    arguments: args,
    item: { type: "mcp_approval_request", id },
  };
}

/** @returns false if the attempt has ended */
export async function saveSteps(machine: Machine, fence: AttemptKey, ...steps: StepInput[]) {
  return await machine.call("save_response_steps", { ...fenced(fence), p_steps: steps });
}

/** A job's steps, by number. */
export async function stepsOf(machine: Machine, id: string): Promise<Row[]> {
  return [
    ...await machine.db
      .owner`select * from public.response_steps where job_id = ${id} order by number`,
  ];
}

/** `tool status` or `kind status` of each step. */
export async function stepLines(machine: Machine, id: string): Promise<string[]> {
  return (await stepsOf(machine, id)).map(({ kind, tool, status }) => `${tool ?? kind} ${status}`);
}

export const fenced = ({ id, attempt }: AttemptKey) => ({ p_job_id: id, p_attempt: attempt });

/** Calls a function that returns a job. */
export async function view(
  machine: Machine,
  name: string,
  args: Parameters<Machine["call"]>[1],
): Promise<JobView> {
  return jobView.parse(await machine.call(name, args));
}

/** Suspends a running job, which waits for its requests for approval. */
export async function awaitApproval(machine: Machine, fence: AttemptKey, ...asked: StepInput[]) {
  return await view(machine, "suspend_response_job", {
    ...fenced(fence),
    p_response_id: "resp_1",
    p_steps: asked.length > 0 ? asked : [askStep()],
  });
}

/** A new job that needs a review because a `once` call was in flight. */
export async function submitUncertain(machine: Machine, args = {}): Promise<AttemptKey> {
  const work = await machine.submitRunning(args);
  await saveSteps(machine, work, callStep("started"));
  await view(machine, "retry_response_later", {
    ...fenced(work),
    p_error: { code: "stream_cut", message: "Cannot read" },
  });
  return { id: work.id, attempt: work.attempt };
}

/** A job in the form that release_response_jobs() and renew_response_leases() take. */
export const held = ({ id, attempt }: AttemptKey) => ({ id, attempt });
