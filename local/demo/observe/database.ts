/** Postgres's part of the timeline: what became of jobs, attempts, routes and people's answers, by the rows' own times. */
import type { Timeline } from "../timeline/timeline.ts";
import type { Actor, Tone } from "../timeline/line.ts";
import {
  type AttemptRow,
  attemptsOf,
  type JobRow,
  type RouteRow,
  type Rows,
  type StepRow,
} from "./rows.ts";
import { JOB_LABEL } from "../label.ts";

/** Reasons that a job has from its first moment: background was not tried at all. */
const SKIPPED = new Set<string | null>(["background_skipped", "route_paused"]);

/** Compares each state of the tables with what was told before, and tells the rest. */
export class DatabaseObserver {
  readonly #told = new Set<string>();
  /** Labels of jobs by id, for those that were submitted with one. */
  readonly labels = new Map<string, string>();

  constructor(private readonly timeline: Timeline) {}

  /** Tells what is new in `rows`. */
  see(rows: Rows): void {
    for (const job of rows.jobs) this.#accepted(job);
    for (const attempt of rows.attempts) this.#attempt(attempt, rows);
    for (const step of rows.steps) this.#step(step, rows);
    for (const job of rows.jobs) this.#settled(job);
    for (const route of rows.routes) this.#route(route);
  }

  #accepted(job: JobRow): void {
    const label = job.metadata[JOB_LABEL];
    if (typeof label === "string") this.labels.set(job.id, label);
    this.#tell(`accepted ${job.id}`, job, job.created_at, "good", [
      `job ${short(job.id)} written before OpenAI is called`,
      ...(SKIPPED.has(job.fallback_reason) ? [`queued at once (${job.fallback_reason})`] : []),
    ]);
  }

  #attempt(attempt: AttemptRow, rows: Rows): void {
    const { job_id, number, mode, worker, outcome } = attempt;
    const job = rows.jobs.find(({ id }) => id === job_id);
    if (!job) return;
    if (mode === "synchronous") {
      this.#tell(`started ${job_id} ${number}`, job, attempt.started_at, "note", [
        `claimed: attempt ${number}, synchronous, leased by worker ${worker}`,
      ]);
    }
    if (attempt.finished_at === null || outcome === "completed") return;
    const good = outcome === "handed_over" || outcome === "parked";
    this.#tell(`ended ${job_id} ${number}`, job, attempt.finished_at, good ? "wait" : "bad", [
      `attempt ${number} (${mode}) ${outcome?.replace("_", " ")}`,
      ...(attempt.error_code ? [attempt.error_code] : []),
      ...(attempt.error_message ? [afterColon(attempt.error_message)] : []),
    ]);
    if (mode === "background" && job.fallback_reason !== null) {
      this.#tell(`fell back ${job_id}`, job, attempt.finished_at, "wait", [
        `job queued for a synchronous run (fallback_reason ${job.fallback_reason})`,
      ]);
    }
  }

  #step(step: StepRow, rows: Rows): void {
    const job = { id: step.job_id };
    const what = `${step.server_label}.${step.tool}`;
    if (step.kind === "mcp_call" && step.status === "finished") {
      this.#tell(
        `step ${step.job_id} ${step.number}`,
        job,
        step.finished_at ?? step.started_at,
        "note",
        [
          `step saved: ${what}`,
        ],
      );
    } else if (step.status === "uncertain") {
      const ended = attemptsOf(rows, job.id).find(({ number }) => number === step.attempt);
      const at = ended?.finished_at ?? step.started_at;
      this.#tell(`uncertain ${step.job_id} ${step.number}`, job, at, "bad", [
        `step uncertain: ${what} was in flight; nobody knows whether it happened`,
      ]);
    }
    if (step.answered_at !== null) {
      this.#tell(`answer ${step.job_id} ${step.number}`, job, step.answered_at, "good", [
        `answer recorded with who and when: ${JSON.stringify(step.answer)}`,
      ]);
    }
  }

  #settled(job: JobRow): void {
    if (job.status === "needs_review" || job.status === "awaiting_approval") {
      this.#tell(`${job.status} ${job.id} ${job.attempt}`, job, job.updated_at, "wait", [
        `job ${job.status}, no lease held`,
        ...(job.review_reason ? [job.review_reason] : []),
      ]);
    }
    if (job.finished_at === null) return;
    this.#tell(
      `finished ${job.id}`,
      job,
      job.finished_at,
      job.status === "completed" ? "good" : "bad",
      [
        job.status === "completed" ? "result written: job completed" : `job ${job.status}`,
        ...(job.error_code ? [job.error_code] : []),
        ...(job.error_message ? [job.error_message] : []),
      ],
    );
  }

  #route(route: RouteRow): void {
    const at = route.updated_at;
    if (route.breaker !== "closed" || this.#told.has(`opened ${route.route}`)) {
      this.#tell(
        `breaker ${route.route} ${route.breaker} ${route.breaker === "half_open" ? at : ""}`,
        {},
        at,
        route.breaker === "closed" ? "good" : "wait",
        [
          `route ${route.route}: breaker ${route.breaker}`,
          ...(route.breaker === "open"
            ? [`after ${route.background_failures} background failures in a row`]
            : []),
        ],
      );
      this.#told.add(`opened ${route.route}`);
    }
    if (route.paused_until !== null) {
      this.#tell(`paused ${route.route} ${route.paused_until}`, {}, at, "wait", [
        `route ${route.route} paused for all its jobs for ${
          ((route.paused_until - at) / 1000).toFixed(1)
        } s (${route.pause_reason})`,
      ]);
    }
  }

  #tell(key: string, { id }: { id?: string }, at: number, tone: Tone, parts: string[]): void {
    if (this.#told.has(key)) return;
    this.#told.add(key);
    const actor: Actor = "Postgres";
    const label = id === undefined ? undefined : this.labels.get(id);
    this.timeline.add({
      at,
      actor,
      tone,
      text: parts.join(": "),
      ...(label ? { job: label } : {}),
    });
  }
}

function short(id: string): string {
  return id.slice(0, 8);
}

/** Our messages say what could not be done, a colon, and why; the why is what a timeline has room for. */
function afterColon(message: string): string {
  return message.slice(message.indexOf(": ") + 1).trim();
}
