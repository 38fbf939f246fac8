/** What happened to a job, according to its rows. */
import { isPaused } from "../../../supabase/functions/_durable_responses/model/status.ts";
import { shortJobId } from "../label.ts";
import type { Tone } from "../timeline/line.ts";
import type { AttemptRow, JobRow, Rows, StepRow } from "./rows.ts";
import { attemptsOf, isCall } from "./rows.ts";

export interface Fact {
  /** The same fact always has the same key. */
  key: string;
  /** In ms since 1970, from the row. */
  at: number;
  tone: Tone;
  text: string;
}

/** Reasons that a job has from the beginning, because background was not tried. */
const skippedKinds = new Set<string | null>(["background_skipped", "route_paused"]);
/** Outcomes of an attempt that are not failures. */
const calm = new Set<string | null>(["handed_over", "suspended", "continued"]);

/** Everything that is known about a job, in no order. */
export function factsOf(job: JobRow, rows: Rows): Fact[] {
  const attempts = attemptsOf(rows, job.id);
  const steps = rows.steps.filter(({ job_id }) => job_id === job.id);
  return [
    accepted(job),
    ...attempts.flatMap((attempt) => [...started(attempt), ...ended(attempt, job)]),
    ...steps.flatMap((step) => [...stood(step, attempts), ...answered(step)]),
    ...waits(job),
    ...finished(job),
  ];
}

function accepted({ id, created_at, fallback_reason }: JobRow): Fact {
  const skipped = skippedKinds.has(fallback_reason) ? `, queued at once (${fallback_reason})` : "";
  return {
    key: "accepted",
    at: created_at,
    tone: "good",
    text: `row of job ${shortJobId(id)} written, before OpenAI is called${skipped}`,
  };
}

function started({ number, mode, worker, started_at }: AttemptRow): Fact[] {
  if (mode === "background") return [];
  return [{
    key: `started ${number}`,
    at: started_at,
    tone: "note",
    text: `claimed: run ${number}, synchronous, leased by worker ${worker}`,
  }];
}

function ended(attempt: AttemptRow, { fallback_reason }: JobRow): Fact[] {
  const { number, mode, outcome, error_code, error_message, finished_at: at } = attempt;
  if (at === null || outcome === "completed") return [];
  const end = `run ${number} (${mode}) ${outcome?.replace("_", " ")}`;
  const why = joined([error_code, error_message && afterColon(error_message)]);
  const facts: Fact[] = [
    {
      key: `ended ${number}`,
      at,
      tone: calm.has(outcome) ? "wait" : "bad",
      text: joined([end, why]),
    },
  ];
  if (mode === "background" && outcome === "continued") {
    const text = "it needs an answer to a call: job queued for a worker";
    facts.push({ key: `asked ${number}`, at, tone: "wait", text });
  } else if (mode === "background" && fallback_reason !== null) {
    const text = `job queued for a synchronous run (fallback_reason ${fallback_reason})`;
    facts.push({ key: "fell back", at, tone: "wait", text });
  }
  return facts;
}

function stood(step: StepRow, attempts: AttemptRow[]): Fact[] {
  const what = nameOf(step);
  const key = `step ${step.number} ${step.status}`;
  const at = step.finished_at ?? step.started_at;
  switch (step.status) {
    case "started":
    case "finished": {
      if (!isCall(step)) return [];
      const saved: Fact = { key, at, tone: "note", text: `step saved: ${what}` };
      return [...announced(step), ...step.status === "finished" ? [saved] : []];
    }
    case "waiting":
      if (step.run_by === "worker") {
        return [{ key, at, tone: "note", text: `call waits for a worker: ${what}` }];
      }
      return [{
        key,
        at,
        tone: "wait",
        text: step.run_by === "caller"
          ? `handed to the caller: ${what} ${step.arguments}`
          : `needs approval: ${what} ${step.arguments}`,
      }];
    case "uncertain": {
      const attempt = attempts.find(({ number }) => number === step.attempt);
      const text = `step uncertain: ${what} was in flight and may have happened`;
      return [{ key, at: attempt?.finished_at ?? at, tone: "bad", text }];
    }
    default:
      return [];
  }
}

function nameOf({ server_label, tool }: StepRow): string {
  return server_label === null ? `${tool}` : `${server_label}.${tool}`;
}

/** A call that must not be made twice is in the ledger before it is made. */
function announced(step: StepRow): Fact[] {
  const { number, effect, run_by, started_at: at, finished_at } = step;
  // A call that was not announced was written only at its end.
  if (effect !== "once" || at === finished_at || run_by === "caller") return [];
  return [{
    key: `step ${number} began`,
    at,
    tone: "note",
    text: `step begins: ${nameOf(step)}, before ${
      run_by === null ? "OpenAI may call it" : "it is called"
    }`,
  }];
}

function answered({ number, answer, answered_by, answered_at: at }: StepRow): Fact[] {
  // The guard's own answer is shown with the end of the run that asked.
  if (at === null || answered_by === "guard") return [];
  const text = `answer recorded, with who and when: ${JSON.stringify(answer)}`;
  return [{ key: `answered ${number}`, at, tone: "good", text }];
}

function waits({ status, attempt, leased_by, review_reason, updated_at }: JobRow): Fact[] {
  if (!isPaused({ status })) return [];
  const held = leased_by === null ? ", no worker holds it" : "";
  return [{
    key: `${status} ${attempt}`,
    at: updated_at,
    tone: "wait",
    text: joined([`job ${status}${held}`, review_reason]),
  }];
}

function finished({ status, finished_at: at, error_code, error_message }: JobRow): Fact[] {
  if (at === null) return [];
  return status === "completed"
    ? [{ key: "finished", at, tone: "good", text: "result written: job completed" }]
    : [{
      key: "finished",
      at,
      tone: "bad",
      text: joined([`job ${status}`, error_code, error_message]),
    }];
}

function joined(parts: (string | null)[]): string {
  return parts.filter((part) => part !== null && part !== "").join(": ");
}

/** Our messages say what failed, then a colon, and why. A timeline has room only for the why. */
function afterColon(message: string): string {
  return message.slice(message.indexOf(": ") + 1).trim();
}
