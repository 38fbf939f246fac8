/** Postgres's part of the timeline: what happened to jobs and routes, with the times in their rows. */
import { jobLabel } from "../label.ts";
import type { Tone } from "../timeline/line.ts";
import type { Timeline } from "../timeline/timeline.ts";
import { factsOf } from "./facts.ts";
import type { RouteRow, Rows } from "./rows.ts";

/** Shows each fact once. */
export class DatabaseObserver {
  /** Labels of the jobs that have one, by id. */
  readonly labels = new Map<string, string>();
  readonly #told = new Set<string>();
  readonly #breakers = new Map<string, RouteRow["breaker"]>();

  constructor(private readonly timeline: Timeline) {}

  /** Shows what is new in `rows`. */
  see(rows: Rows): void {
    for (const job of rows.jobs) {
      const label = job.metadata[jobLabel];
      if (typeof label === "string") this.labels.set(job.id, label);
      for (const { key, at, tone, text } of factsOf(job, rows)) {
        this.#tell(`${job.id} ${key}`, at, tone, text, job.id);
      }
    }
    for (const route of rows.routes) this.#route(route);
  }

  #route(
    { route, breaker, background_failures, paused_until, pause_reason, updated_at }: RouteRow,
  ) {
    const before = this.#breakers.get(route) ?? "closed";
    if (breaker !== before) {
      this.#breakers.set(route, breaker);
      const why = breaker === "open"
        ? ` after ${background_failures} background failures in a row`
        : "";
      const tone: Tone = breaker === "closed" ? "good" : "wait";
      const key = `${route} ${breaker} ${updated_at}`;
      this.#tell(key, updated_at, tone, `route ${route}: breaker ${breaker}${why}`);
    }
    if (paused_until !== null) {
      const seconds = ((paused_until - updated_at) / 1000).toFixed(1);
      const text = `route ${route} paused for all its jobs for ${seconds} s (${pause_reason})`;
      this.#tell(`${route} paused ${paused_until}`, updated_at, "wait", text);
    }
  }

  #tell(key: string, at: number, tone: Tone, text: string, jobId = ""): void {
    if (this.#told.has(key)) return;
    this.#told.add(key);
    const label = this.labels.get(jobId);
    this.timeline.add({ at, actor: "Postgres", tone, text, ...(label ? { job: label } : {}) });
  }
}
