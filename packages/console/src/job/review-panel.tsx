import { type FormEvent, useState } from "react";
import type { Resolution } from "../../../client/src/index.ts";
import type { FullJob, Step } from "../data/schemas.ts";
import { Button } from "../ui/button.tsx";
import { FailureNotice } from "../ui/failure-notice.tsx";
import { Call } from "./call.tsx";
import { ExpiresIn } from "./expires-in.tsx";
import { seen, useAction } from "./use-action.ts";

const outcomes: readonly (readonly [Resolution["outcome"], title: string, what: string])[] = [
  ["happened", "It happened", "The job continues after it and never makes the call again"],
  ["did_not_happen", "It did not happen", "The job continues and may make the call"],
  ["cancel", "Cancel the job", "The job ends, and nothing more is done"],
];

const isInDoubt = ({ status }: Step) => status === "uncertain";

/** The call that a review asks about. If several are in doubt, they come one after the other. */
export function firstInDoubt(job: FullJob): Step | undefined {
  return job.steps.find(isInDoubt);
}

/** A side effect that may or may not have happened. Nothing runs until somebody has decided. */
export function ReviewPanel({ job }: { job: FullJob }) {
  const action = useAction(job.id);
  const [outcome, setOutcome] = useState<Resolution["outcome"]>();
  const asked = firstInDoubt(job);
  const more = job.steps.filter(isInDoubt).length - 1;
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (outcome === undefined) return;
    const output = String(new FormData(event.currentTarget).get("output") ?? "").trim();
    const answer = outcome === "happened" && output !== "" ? { outcome, output } : { outcome };
    // A cancel is about the job, not about a call.
    const about = outcome !== "cancel" && asked !== undefined ? seen(asked) : {};
    action.mutate({ kind: "resolve", resolution: { ...answer, ...about } });
  };
  return (
    <section className="decision tone-needs_review" aria-label="Review">
      <h2>Did it happen?</h2>
      <p>
        {job.review_reason}. Check where its effect would show, then say what happened.
      </p>
      <ExpiresIn what="The question" at={job.answer_until} />
      {asked !== undefined && asked.arguments !== null && <Call step={asked} />}
      {more > 0 && <p>{more} more in doubt: each is asked about separately, after this one.</p>}
      <form onSubmit={submit}>
        <fieldset className="outcomes">
          <legend className="visually-hidden">What happened</legend>
          {outcomes.map(([value, title, what]) => (
            <label key={value}>
              <input
                type="radio"
                name="outcome"
                checked={outcome === value}
                onChange={() => setOutcome(value)}
              />
              <span>
                <b>{title}</b>
                <span className="soft">{what}</span>
              </span>
            </label>
          ))}
        </fieldset>
        {outcome === "happened" && (
          <label className="field">
            <span className="label">The tool's answer, if you know it</span>
            <textarea name="output" rows={3} maxLength={100_000} />
          </label>
        )}
        <Button
          type="submit"
          look={outcome === "cancel" ? "danger" : "solid"}
          disabled={outcome === undefined}
          busy={action.isPending}
        >
          {outcome === "cancel" ? "Cancel the job" : "Confirm and continue"}
        </Button>
      </form>
      {action.isError && (
        <FailureNotice
          error={action.error}
          onRetry={() => action.mutate(action.variables)}
          retrying={action.isPending}
        />
      )}
    </section>
  );
}
