/** A job's life as consecutive phases without gaps, from accepted to finished or now. */
import type { AttemptCore, Status } from "../../data/schemas.ts";

export type PhaseKind = "background" | "running" | "waiting" | "person" | "handover";

export interface Phase {
  kind: PhaseKind;
  /** In ms since 1970. */
  from: number;
  to: number;
  /** Number of the attempt, if the phase is one. */
  attempt?: number;
  /** How the attempt ended; null while it runs. */
  outcome?: AttemptCore["outcome"];
}

export interface Life {
  status: Status;
  created_at: number;
  finished_at: number | null;
  attempts: readonly AttemptCore[];
}

export const phaseNames: Readonly<Record<PhaseKind, string>> = {
  background: "Background at OpenAI",
  running: "Synchronous run",
  waiting: "Waiting for a run",
  person: "Waiting for an answer",
  handover: "Handed to the next worker",
};

/**
 * @param answers when a person answered something, in ms since 1970: after that, the job waits for a run again
 * @param now in ms since 1970; the end of what is still running
 */
export function phasesOf(life: Life, now: number, answers: readonly number[] = []): Phase[] {
  const end = Math.max(life.finished_at ?? now, life.created_at);
  const attempts = [...life.attempts].sort((one, other) => one.number - other.number);
  const phases: Phase[] = [];
  let at = life.created_at;
  let before: AttemptCore | undefined;
  const fill = (until: number) => {
    phases.push(...gap(at, until, before, answers, life.status));
    at = Math.max(at, until);
  };
  for (const attempt of attempts) {
    fill(attempt.started_at);
    const to = attempt.finished_at ?? end;
    phases.push({
      kind: attempt.mode === "background" ? "background" : "running",
      from: attempt.started_at,
      to: Math.max(to, attempt.started_at),
      attempt: attempt.number,
      outcome: attempt.outcome,
    });
    at = Math.max(at, to);
    before = attempt;
  }
  fill(end);
  return phases;
}

function gap(
  from: number,
  to: number,
  before: AttemptCore | undefined,
  answers: readonly number[],
  status: Status,
): Phase[] {
  if (to <= from) return [];
  if (before?.outcome === "handed_over") {
    return [{ kind: "handover", from, to }];
  }
  if (before?.outcome === "suspended") {
    const answered = answers.filter((at) => at > from && at <= to);
    const until = answered.length > 0 ? Math.max(...answered) : to;
    const person: Phase = { kind: "person", from, to: until };
    return until < to ? [person, { kind: "waiting", from: until, to }] : [person];
  }
  // A retry of a job that was cancelled with a call in doubt asks a person before its first run.
  if (before === undefined && status === "needs_review") return [{ kind: "person", from, to }];
  return [{ kind: "waiting", from, to }];
}
