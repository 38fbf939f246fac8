/** A signed-in user who asks with the client of packages/client, as a frontend does. */
import { createClient } from "@supabase/supabase-js";
import {
  type Approval,
  createDurableResponses,
  isFinal,
  type Job,
  type Resolution,
  type ToolOutput,
} from "../../packages/client/src/index.ts";
import type { SignedInUser } from "../../packages/dev/auth/auth.ts";
import type { Stack } from "../../packages/dev/stack.ts";
import { jobLabel, shortJobId } from "./label.ts";
import type { Line } from "./timeline/line.ts";
import type { Timeline } from "./timeline/timeline.ts";

/** How often a waiting caller looks again, in ms. */
const lookEveryMs = 400;
const queryLength = 120;

export interface Question {
  profile: string;
  query: string;
  /** The name of this job in a scenario with several. */
  label?: string;
}

export class Caller {
  /** The ids of its jobs, in the order in which it asked. */
  readonly jobs: string[] = [];
  /** When each job was accepted, in ms since 1970, by id. */
  readonly acceptedAt = new Map<string, number>();
  /** When the first question was asked, in ms since 1970. */
  askedAt: number | undefined;
  readonly #responses;

  constructor(stack: Stack, user: SignedInUser, private readonly timeline: Timeline) {
    this.#responses = createDurableResponses(
      createClient(stack.apiUrl, stack.publishableKey, {
        accessToken: () => Promise.resolve(user.token),
      }),
    );
  }

  /** @throws DurableResponsesError if it is refused */
  async ask({ profile, query, label }: Question): Promise<Job> {
    this.askedAt ??= Date.now();
    const job = label ? { job: label } : {};
    const shown = query.replace(/\s*\[\[plan:.*\]\]/s, "").slice(0, queryLength);
    this.#note("caller", "sent", `POST /functions/v1/respond, profile ${profile}`, job);
    this.#note("caller", "note", `"${shown}"`, job);
    const metadata = label ? { [jobLabel]: label } : {};
    const accepted = await this.#responses.submit({ profile, query, metadata });
    this.jobs.push(accepted.id);
    this.acceptedAt.set(accepted.id, Date.now());
    const { id, status } = accepted;
    this.#note("respond", "good", `accepted: job ${id}, status ${status}`, job);
    return accepted;
  }

  /** Looks at a job repeatedly, until it is final or `until` is true. */
  async result(
    id: string,
    { timeoutMs, until = isFinal }: { timeoutMs: number; until?: (job: Job) => boolean },
  ): Promise<Job> {
    for (const end = Date.now() + timeoutMs;;) {
      const job = await this.#responses.get(id);
      if (until(job)) {
        const why = job.error ? `: ${job.error.code}` : "";
        this.#note("caller", "got", `job ${shortJobId(id)} → ${job.status}${why}`);
        return job;
      }
      if (Date.now() > end) {
        throw new Error(`the job was still ${job.status} after ${timeoutMs / 1000} s`);
      }
      await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
    }
  }

  async approve(id: string, answer: Approval): Promise<void> {
    this.#note("person", "sent", `POST …/approve ${JSON.stringify(answer)}`);
    await this.#responses.approve(id, answer);
  }

  /** Gives the output of a call that was handed out. */
  async toolOutput(id: string, answer: ToolOutput): Promise<void> {
    this.#note("caller", "sent", `POST …/tool-output ${JSON.stringify(answer)}`);
    await this.#responses.toolOutput(id, answer);
  }

  async resolve(id: string, outcome: Resolution): Promise<void> {
    this.#note("person", "sent", `POST …/resolve ${JSON.stringify(outcome)}`);
    await this.#responses.resolve(id, outcome);
  }

  #note(actor: Line["actor"], tone: Line["tone"], text: string, job: { job?: string } = {}): void {
    this.timeline.now({ actor, tone, text, ...job });
  }
}
