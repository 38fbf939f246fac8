/**
 * The state machine as the Edge Functions use it: each call is one transaction as service_role. It uses the test's clock, so
 * nothing happens by itself.
 */
import type { Row, TransactionSql } from "postgres";
import { type TestClock, testClock } from "./clock.ts";
import type { TestDatabase } from "./database.ts";
import { claimJobs } from "./claim-jobs.ts";
import { type Arguments, callFunction } from "./function-call.ts";
import { hold, internalAttempts, internalJob } from "./job-state.ts";
import * as shapes from "./machine-shapes.ts";
import type { AttemptKey } from "../../supabase/functions/_durable_responses/model/job.ts";
import type { JobStatus } from "../../supabase/functions/_durable_responses/model/status.ts";

export interface Machine {
  readonly db: TestDatabase;
  readonly clock: TestClock;
  /** Calls public.<name> with named arguments and returns what it returns. */
  call(name: string, args?: Arguments): Promise<unknown>;
  /** Runs in a transaction as service_role, at the clock's time. */
  asService<T>(run: (sql: TransactionSql) => Promise<T>): Promise<T>;
  /** Submits a job. Defaults: input "hello", profile "default", synchronous. */
  submit(args?: Arguments): Promise<shapes.JobView>;
  /** Submits a job in background mode and records `responseId` for it. */
  submitBackground(responseId: string, args?: Arguments): Promise<shapes.JobView>;
  claim(worker?: string, limit?: number, leaseMs?: number): Promise<shapes.JobWork[]>;
  /** Submits a job and claims it for "worker-1"; throws if another job was due. */
  submitRunning(args?: Arguments): Promise<shapes.JobWork>;
  complete(fence: AttemptKey, responseId?: string): Promise<shapes.JobView>;
  fail(fence: AttemptKey): Promise<shapes.JobView>;
  /** Brings a new job into `status` through functions. For those that wait for a person, it writes the row itself. */
  jobIn(status: JobStatus, args?: Arguments): Promise<string>;
  /** The whole row of a job. */
  row(id: string): Promise<Row>;
  /** A job's attempts, by number. */
  attempts(id: string): Promise<Row[]>;
}

export const someError = {
  code: "openai_server_error",
  message: "Cannot answer",
  type: "server_error",
};
export const someOutput = [{ type: "message", content: [{ type: "output_text", text: "Hello" }] }];

/** The arguments of submit_response_job(). Defaults: input "hello", profile "default". */
export function submission(fields: Arguments = {}): Arguments {
  return {
    p_job: { profile: "default", ...(!("request" in fields) && { input: "hello" }), ...fields },
  };
}

export function startMachine(db: TestDatabase): Machine {
  const clock = testClock();
  const asService: Machine["asService"] = (run) =>
    db.asRole("service_role", async (sql) => {
      await clock.pin(sql);
      return await run(sql);
    });
  const call: Machine["call"] = (name, args = {}) =>
    asService((sql) => callFunction(sql, `public.${name}`, args));
  const view = async (name: string, args: Arguments) =>
    shapes.jobView.parse(await call(name, args));
  const submit: Machine["submit"] = async (args = {}) =>
    shapes.submitted.parse(await call("submit_response_job", submission(args))).job;
  const claim: Machine["claim"] = async (worker = "worker-1", limit = 10, leaseMs = 30_000) => {
    return await asService((sql) => claimJobs(sql, worker, limit, leaseMs));
  };
  const submitRunning: Machine["submitRunning"] = async (args) => {
    const { id } = await submit(args);
    const [work] = await claim("worker-1", 1);
    if (work?.id !== id) throw new Error(`Cannot claim job ${id}: the claim gave ${work?.id}`);
    return work;
  };
  const submitBackground: Machine["submitBackground"] = async (responseId, args) => {
    const { id } = await submit({ mode: "background", ...args });
    const recorded = await call("record_background_response", {
      p_job_id: id,
      p_attempt: 1,
      p_response_id: responseId,
    });
    return shapes.recorded.parse(recorded).job;
  };
  const complete: Machine["complete"] = ({ id, attempt }, responseId = "resp_done") =>
    view("complete_response_job", {
      p_job_id: id,
      p_attempt: attempt,
      p_response_id: responseId,
      p_output: someOutput,
      p_output_text: "Hello",
    });
  const fail: Machine["fail"] = ({ id, attempt }) =>
    view("fail_response_job", { p_job_id: id, p_attempt: attempt, p_error: someError });
  const park = async (status: JobStatus, args?: Arguments) => {
    const { id } = await submitRunning(args);
    await asService((sql) =>
      hold(sql, id, status, status === "needs_review" ? "Nobody knows whether it happened" : null)
    );
    return id;
  };
  const jobIn: Machine["jobIn"] = async (status, args) => {
    switch (status) {
      case "background":
        return (await submitBackground(`resp_${crypto.randomUUID()}`, args)).id;
      case "queued":
        return (await submit(args)).id;
      case "running":
        return (await submitRunning(args)).id;
      case "awaiting_approval":
      case "awaiting_tool_output":
      case "needs_review":
        return await park(status, args);
      case "completed":
        return (await complete(await submitRunning(args))).id;
      case "failed":
        return (await fail(await submitRunning(args))).id;
      case "cancelled": {
        const { id } = await submit(args);
        await call("cancel_response_job", { p_job_id: id, p_as_service: true });
        return id;
      }
    }
  };
  return {
    db,
    clock,
    call,
    asService,
    submit,
    submitBackground,
    claim,
    submitRunning,
    complete,
    fail,
    jobIn,
    row: (id) => internalJob(db.owner, id),
    attempts: (id) => internalAttempts(db.owner, id),
  };
}
