/** The lines of the picture: each attempt, and below it what it did. */
import type { Attempt, FullJob, Step } from "../../data/schemas.ts";
import { type Phase, phasesOf } from "./phases.ts";

export interface AttemptLine {
  attempt: Attempt;
  from: number;
  to: number;
  steps: StepLine[];
}

export interface StepLine {
  step: Step;
  name: string;
  from: number;
  to: number;
}

export interface Picture {
  phases: Phase[];
  lines: AttemptLine[];
  /** Times at which something happened, for the axis. */
  events: number[];
}

export function pictureOf(job: FullJob, now: number): Picture {
  const answers = job.steps.flatMap(({ answered_at }) => answered_at ?? []);
  const phases = phasesOf(job, now, answers);
  const end = phases.at(-1)?.to ?? now;
  const lines = job.attempts.map((attempt): AttemptLine => {
    const to = attempt.finished_at ?? end;
    return {
      attempt,
      from: attempt.started_at,
      to,
      steps: job.steps.filter((step) => step.attempt === attempt.number)
        .map((step) => ({
          step,
          name: stepName(step),
          from: step.started_at,
          to: lasts(step, to),
        })),
    };
  });
  const events = job.steps.flatMap(({ started_at, finished_at }) => [started_at, finished_at ?? []])
    .flat();
  return { phases, lines, events };
}

/** The end of a step on its attempt's line. A request for approval ends long after the attempt, so it is a moment here. */
function lasts(step: Step, attemptEnd: number): number {
  if (step.kind === "mcp_approval_request") return step.started_at;
  return Math.min(step.finished_at ?? attemptEnd, attemptEnd);
}

const names: Readonly<Record<string, string>> = {
  mcp_list_tools: "list tools",
  reasoning: "reasoning",
  message: "message",
  mcp_approval_request: "asks for approval",
  unguarded_run: "run that may call unasked",
};

export function stepName({ kind, tool, server_label, effect }: Step): string {
  // Only calls have an effect, and runs that may make them.
  if (effect !== null && kind !== "unguarded_run") return tool ?? "a tool";
  const name = (Object.hasOwn(names, kind) ? names[kind] : undefined) ?? kind;
  if (kind === "mcp_approval_request" && tool !== null) return `${name}: ${tool}`;
  return server_label === null ? name : `${name} · ${server_label}`;
}
