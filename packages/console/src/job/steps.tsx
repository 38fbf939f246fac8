/** What the runs did, one entry per step, below its attempt. */
import type { Attempt, FullJob, Step } from "../data/schemas.ts";
import { formatDuration, formatTime } from "../ui/time.ts";
import { Value } from "../ui/value.tsx";
import { stepName } from "./picture/rows.ts";

const effects = {
  none: "only reads",
  idempotent: "safe to repeat",
  once: "must not happen twice",
} as const;

const statusWords: Readonly<Record<Step["status"], string>> = {
  started: "under way",
  finished: "done",
  failed: "failed",
  void: "cut off, made again if needed",
  uncertain: "may or may not have happened",
  waiting: "waits for a person",
};

export function Steps({ job, chosen }: { job: FullJob; chosen: number | undefined }) {
  if (job.attempts.length === 0) return null;
  const carried = job.steps.filter(({ attempt }) => attempt === 0);
  return (
    <section className="steps" aria-label="Runs and steps">
      <h2>Runs and steps</h2>
      {carried.length > 0 && (
        <div className="attempt">
          <h3>Done by the job that this one retries</h3>
          <ol>
            {carried.map((step) => <StepEntry key={step.number} step={step} chosen={chosen} />)}
          </ol>
        </div>
      )}
      {job.attempts.map((attempt) => (
        <div className="attempt" key={attempt.number}>
          <AttemptHead attempt={attempt} />
          <ol>
            {job.steps.filter((step) => step.attempt === attempt.number).map((step) => (
              <StepEntry key={step.number} step={step} chosen={chosen} />
            ))}
          </ol>
        </div>
      ))}
    </section>
  );
}

function AttemptHead({ attempt }: { attempt: Attempt }) {
  const { number, mode, outcome, error_code, error_message, warnings, usage } = attempt;
  const tokens = usage?.total_tokens;
  return (
    <>
      <h3>
        Run {number}, {mode}
        {outcome ? `, ${outcome.replace("_", " ")}` : ", under way"}
      </h3>
      <p className="attempt-facts soft">
        {[
          `started ${formatTime(attempt.started_at)}`,
          typeof tokens === "number" && `${tokens.toLocaleString()} tokens`,
          attempt.worker && `worker ${attempt.worker}`,
          attempt.request_id && `request ${attempt.request_id}`,
          attempt.response_id,
        ].filter(Boolean).join(" · ")}
      </p>
      {error_code !== null && (
        <p className="attempt-error">
          <code className="tone-failed">{error_code}</code> {error_message}
        </p>
      )}
      {warnings.map((warning) => <p key={warning} className="attempt-error soft">{warning}</p>)}
    </>
  );
}

function StepEntry({ step, chosen }: { step: Step; chosen: number | undefined }) {
  const { started_at, finished_at, effect, error, answer } = step;
  const hasBody = step.arguments !== null || step.output !== null || error !== null ||
    answer !== null;
  return (
    <li
      id={`step-${step.number}`}
      tabIndex={-1}
      className={`step step-${step.status} ${chosen === step.number ? "is-chosen" : ""}`}
    >
      <div className="step-head">
        <span className="step-number">{step.number}</span>
        <b>{stepName(step)}</b>
        {step.kind === "mcp_call" && <span className="soft">{step.server_label}</span>}
        {effect && <span className={`effect effect-${effect}`}>{effects[effect]}</span>}
        <span className="step-state">{statusWords[step.status]}</span>
        <span className="step-took">
          {finished_at === null ? "" : formatDuration(finished_at - started_at)}
        </span>
      </div>
      {hasBody && (
        <div className="step-body">
          {step.arguments !== null && <Value label="Arguments" value={step.arguments} />}
          {step.output !== null && <Value label="Output" value={step.output} />}
          {error !== null && <Value label="Error" value={error} />}
          {answer !== null && (
            <Value
              label={`Answered by ${step.answered_by}, ${
                formatTime(step.answered_at ?? started_at)
              }`}
              value={answer}
            />
          )}
        </div>
      )}
    </li>
  );
}
