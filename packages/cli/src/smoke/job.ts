/** One tiny job of the smoke test: submitted, watched in the table, and deleted. */
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { finalStatuses } from "../../../../supabase/functions/_durable_responses/model/status.ts";
import type { Project } from "../api/project.ts";
import { Failure } from "../failure.ts";

const jobSchema = z.object({
  id: z.string(),
  status: z.string(),
  fallback_reason: z.string().nullable(),
  error_code: z.string().nullable(),
  error_message: z.string().nullable(),
  error_hint: z.string().nullable(),
  response_id: z.string().nullable(),
  usage: z.looseObject({ total_tokens: z.number().optional().catch(undefined) }).nullable(),
  created_at: z.string(),
  finished_at: z.string().nullable(),
});
export type SmokeJob = z.infer<typeof jobSchema>;
const columns = Object.keys(jobSchema.shape).join(",");

const attemptSchema = z.object({ number: z.number(), mode: z.string(), started_at: z.string() });
const planSchema = z.object({ route: z.string(), poll_ms: z.number() });
const submittedSchema = z.looseObject({ id: z.string() });
const waitingSchema = z.looseObject({
  waiting: z.array(
    z.object({ request_id: z.string(), digest: z.string(), tool: z.string().nullable() }),
  ).nullable(),
});
const acceptedSchema = z.looseObject({ job: z.looseObject({ id: z.string() }) });

/** `waitMs` is how long each job may take. */
export interface SmokeOptions {
  profile: string;
  model: string;
  waitMs: number;
  /** A tool that a profile's own rules call harmless; undefined if there is none. */
  tool: HarmlessTool | undefined;
}

export interface HarmlessTool {
  /** The profile that has the tool. */
  profile: string;
  model: string;
  name: string;
  /** Its server, as part of a request. */
  server: Record<string, unknown>;
}

const lookEveryMs = 400;
/** A status that a job never leaves. */
export const isFinal = (status: string) => finalStatuses.some((final) => final === status);
const mark = { durable_responses_smoke: "doctor" };

/** The jobs of one smoke test. */
export class SmokeJobs {
  readonly #made: string[] = [];

  constructor(readonly project: Project, readonly options: SmokeOptions) {}

  /**
   * Submits through `respond`, as a server does.
   * @throws Failure with the function's own message and hint
   */
  async ask(background: boolean): Promise<string> {
    const { profile } = this.options;
    const body = { profile, request: { ...this.#request(), background }, metadata: mark };
    const job = await this.project.respond(
      "",
      { method: "POST", body, timeoutMs: 60_000 },
      submittedSchema,
    );
    this.#made.push(job.id);
    return job.id;
  }

  /** Asks the model to call the tool, which requires a person's yes. */
  async askForTool({ profile, model, name, server }: HarmlessTool): Promise<string> {
    const input = `Use the tool '${name}' (${name.replaceAll(/[_-]+/g, " ")}) once, with the ` +
      "least that it takes; then say ok, and nothing else.";
    const tool_choice = { type: "mcp", server_label: server["server_label"], name };
    const request = { model, input, tools: [server], tool_choice, background: false };
    const job = await this.project.respond(
      "",
      { method: "POST", body: { profile, request, metadata: mark }, timeoutMs: 60_000 },
      submittedSchema,
    );
    this.#made.push(job.id);
    return job.id;
  }

  /** Says yes to a call of the tool, and to no other that may wait. @throws Failure when another waits */
  async approve(id: string, tool: string): Promise<void> {
    const { waiting } = await this.project.respond(`/${id}`, {}, waitingSchema);
    const [asked, ...more] = waiting ?? [];
    if (asked?.tool !== tool || more.length > 0) {
      const names = (waiting ?? []).map((call) => call.tool ?? "?").join(", ") || "nothing";
      throw new Failure(`Cannot say yes to '${tool}': what waits is ${names}`);
    }
    const { request_id, digest } = asked;
    await this.project.respond(
      `/${id}/approve`,
      { method: "POST", body: { approve: true, request_id, digest } },
      submittedSchema,
    );
  }

  /** Calls of the tool that the ledger has as finished. */
  async finishedCalls(id: string, tool: string): Promise<number> {
    const rows = await this.project.rows(
      `response_steps?select=tool&job_id=eq.${id}&kind=eq.mcp_call&status=eq.finished`,
      z.object({ tool: z.string().nullable() }),
    );
    return rows.filter((row) => row.tool === tool).length;
  }

  /** Queues it in SQL: no function knows about it, so nobody is woken. */
  async queueInSql(more: Record<string, unknown> = {}): Promise<string> {
    const p_job = {
      profile: this.options.profile,
      request: this.#request(),
      metadata: mark,
      ...more,
    };
    const { job } = await this.project.call("submit_response_job", { p_job }, acceptedSchema);
    this.#made.push(job.id);
    return job.id;
  }

  /** The job when `isDone`, or as it is when the time is up. */
  async watch(
    id: string,
    isDone: (job: SmokeJob) => boolean = ({ status }) => isFinal(status),
    waitMs: number = this.options.waitMs,
  ): Promise<SmokeJob> {
    for (const end = Date.now() + waitMs;; await delay(lookEveryMs)) {
      const [job] = await this.project.rows(
        `response_jobs?select=${columns}&id=eq.${id}`,
        jobSchema,
      );
      if (!job) throw new Failure(`Cannot find job ${id}: it was deleted`);
      if (isDone(job) || Date.now() >= end) return job;
    }
  }

  /** The time from the submit to the start of the run, in ms; undefined if no worker has started it. */
  async startedAfterMs({ id, created_at }: SmokeJob): Promise<number | undefined> {
    const attempts = await this.project.rows(
      `response_attempts?select=number,mode,started_at&job_id=eq.${id}&order=number`,
      attemptSchema,
    );
    const first = attempts.find(({ mode }) => mode === "synchronous");
    return first && Date.parse(first.started_at) - Date.parse(created_at);
  }

  /** Its route, and how long it waits for its webhook before it is polled. */
  async planOf(id: string): Promise<z.infer<typeof planSchema>> {
    const [row] = await this.project.rows(
      `response_jobs_internal?select=route,poll_ms&id=eq.${id}`,
      planSchema,
    );
    if (!row) throw new Failure(`Cannot find job ${id}: it was deleted`);
    return row;
  }

  /**
   * Cancels running jobs and deletes all of them.
   * @returns ids that are left for a person to deal with
   */
  async remove(): Promise<string[]> {
    const left: string[] = [];
    for (const id of this.#made) {
      try {
        const { status } = await this.watch(id, () => true);
        if (!isFinal(status)) {
          await this.project.respond(`/${id}/cancel`, { method: "POST" }, submittedSchema);
        }
        await this.project.call(
          "delete_response_job",
          { p_job_id: id, p_as_service: true },
          z.unknown(),
        );
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        left.push(id);
      }
    }
    return left;
  }

  #request() {
    return {
      model: this.options.model,
      input: "Say ok, and nothing else.",
      max_output_tokens: 2_000,
    };
  }
}
