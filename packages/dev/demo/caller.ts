/** A signed-in user who asks through the gateway, as a frontend does. */
import { z } from "zod";
import {
  isFinal,
  jobStatuses,
} from "../../../supabase/functions/_durable_responses/model/status.ts";
import type { SignedInUser } from "../auth/auth.ts";
import type { Stack } from "../stack.ts";
import { jobLabel, shortJobId } from "./label.ts";
import type { Actor } from "./timeline/line.ts";
import type { Timeline } from "./timeline/timeline.ts";

/** How often a caller who waits asks again, ms. */
const askEveryMs = 400;
const queryLength = 120;
/** The platform's status for a worker that came to its end before it had answered. */
const workerEnded = 546;

const jobView = z.looseObject({
  id: z.uuid(),
  status: z.enum(jobStatuses),
  fallback_reason: z.string().nullable(),
  output_text: z.string().nullable(),
  error: z.looseObject({ code: z.string(), message: z.string() }).nullable(),
  waiting: z.array(z.looseObject({
    tool: z.string().nullable(),
    arguments: z.string().nullable(),
    call_id: z.string().nullish(),
  })).nullish(),
});
const refusal = z.looseObject({
  error: z.looseObject({ code: z.string(), message: z.string() }),
});
/** A job as GET /respond/:id shows it. */
export type JobView = z.infer<typeof jobView>;

export interface Question {
  profile: string;
  query: string;
  /** What a scenario with several jobs calls this one. */
  label?: string;
}

class Refused extends Error {
  constructor(readonly status: number, message: string) {
    super(message);
  }
}

export class Caller {
  /** The ids of the jobs it has, in the order it asked. */
  readonly jobs: string[] = [];
  /** ms since 1970 at which each job was accepted, by id. */
  readonly acceptedAt = new Map<string, number>();
  /** ms since 1970 of the first question. */
  askedAt: number | undefined;

  constructor(
    private readonly stack: Stack,
    private readonly user: SignedInUser,
    private readonly timeline: Timeline,
  ) {}

  /**
   * POST /respond.
   * @throws Error when it is refused
   */
  async ask({ profile, query, label }: Question): Promise<JobView> {
    this.askedAt ??= Date.now();
    const shown = query.replace(/\s*\[\[plan:.*\]\]/s, "");
    this.#note("caller", "sent", `POST /functions/v1/respond, profile ${profile}`, label);
    this.#note("caller", "note", `"${shown.slice(0, queryLength)}"`, label);
    const { status, job } = await this.#call("", "POST", {
      profile,
      query,
      ...(label ? { metadata: { [jobLabel]: label } } : {}),
    });
    this.jobs.push(job.id);
    this.acceptedAt.set(job.id, Date.now());
    this.#note("respond", "good", `${status} accepted: job ${job.id}, status ${job.status}`, label);
    return job;
  }

  /** Asks for a job again and again until it is final, or `until` says that this is it. */
  async result(
    id: string,
    { timeoutMs, until = isFinal }: {
      timeoutMs: number;
      until?: (job: JobView) => boolean;
    },
  ): Promise<JobView> {
    const end = Date.now() + timeoutMs;
    for (let status = "unknown";;) {
      const job = await this.#look(id);
      status = job?.status ?? status;
      if (job && until(job)) {
        const answer = job.error ? `: ${job.error.code}` : "";
        this.#note(
          "caller",
          "got",
          `GET /functions/v1/respond/${shortJobId(id)} → ${job.status}${answer}`,
        );
        return job;
      }
      if (Date.now() > end) {
        throw new Error(`the job was still ${status} after ${timeoutMs / 1000} s`);
      }
      await new Promise((resolve) => setTimeout(resolve, askEveryMs));
    }
  }

  /** POST /respond/:id/approve, as the job's owner. */
  async approve(id: string, answer: { approve: boolean; reason?: string }): Promise<JobView> {
    this.#note("person", "sent", `POST …/approve ${JSON.stringify(answer)}`);
    return (await this.#call(`/${id}/approve`, "POST", answer)).job;
  }

  /** POST /respond/:id/tool-output: what a call that was handed out came to. */
  async toolOutput(id: string, answer: { call_id: string; output: string }): Promise<JobView> {
    this.#note("caller", "sent", `POST …/tool-output ${JSON.stringify(answer)}`);
    return (await this.#call(`/${id}/tool-output`, "POST", answer)).job;
  }

  /** POST /respond/:id/resolve, as the job's owner. */
  async resolve(
    id: string,
    outcome: { outcome: "happened" | "did_not_happen" | "cancel" },
  ): Promise<JobView> {
    this.#note("person", "sent", `POST …/resolve ${JSON.stringify(outcome)}`);
    return (await this.#call(`/${id}/resolve`, "POST", outcome)).job;
  }

  /** Asks once; undefined where the function's worker came to its end before it had answered: one asks again. */
  async #look(id: string): Promise<JobView | undefined> {
    try {
      return (await this.#call(`/${id}`, "GET")).job;
    } catch (error) {
      if (error instanceof Refused && error.status === workerEnded) return undefined;
      throw error;
    }
  }

  async #call(
    path: string,
    method: string,
    body?: Record<string, unknown>,
  ): Promise<{ status: number; job: JobView }> {
    const response = await fetch(`${this.stack.functionsUrl}/respond${path}`, {
      method,
      headers: {
        apikey: this.stack.publishableKey,
        authorization: `Bearer ${this.user.token}`,
        ...(body ? { "content-type": "application/json" } : {}),
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    const answer: unknown = await response.json();
    if (response.ok) return { status: response.status, job: jobView.parse(answer) };
    const said = refusal.safeParse(answer).data?.error.message ?? JSON.stringify(answer);
    throw new Refused(
      response.status,
      `${method} /respond${path} was refused with ${response.status}: ${said}`,
    );
  }

  #note(actor: Actor, tone: "sent" | "got" | "good" | "note", text: string, label?: string): void {
    this.timeline.now({ actor, tone, text, ...(label ? { job: label } : {}) });
  }
}
