/** Everything else that is known about a job. */
import { isFinal } from "../../../client/src/index.ts";
import type { FullJob } from "../data/schemas.ts";
import { formatTime } from "../ui/time.ts";
import { Value } from "../ui/value.tsx";

interface Fact {
  name: string;
  /** Not shown if there is none. */
  value: string | null | undefined;
  isCode?: boolean;
}

export function Facts({ job }: { job: FullJob }) {
  const facts: Fact[] = [
    { name: "Accepted", value: formatTime(job.created_at) },
    {
      name: "Finished",
      value: job.finished_at === null ? null : formatTime(job.finished_at),
    },
    {
      name: "Runs next",
      value: job.run_at === null ? null : formatTime(job.run_at),
    },
    {
      name: "Deadline",
      value: job.deadline === null ? null : formatTime(job.deadline),
    },
    {
      name: "Failed synchronous attempts",
      // A failure that no repeat can fix ends the job, and is not counted.
      value: job.failures > 0 || !isFinal(job)
        ? `${job.failures} of at most ${job.max_attempts}`
        : null,
    },
    { name: "Fallback reason", value: job.fallback_reason, isCode: true },
    { name: "Route", value: job.route, isCode: true },
    { name: "Worker", value: job.leased_by, isCode: true },
    { name: "Response", value: job.response_id, isCode: true },
    job.owner_id === null
      ? { name: "Owner", value: "a server with a secret key" }
      : { name: "Owner", value: job.owner_id, isCode: true },
    { name: "Idempotency key", value: job.idempotency_key, isCode: true },
    { name: "Tokens in", value: tokens(job, "input_tokens") },
    { name: "Tokens out", value: tokens(job, "output_tokens") },
    { name: "Tokens, total", value: tokens(job, "total_tokens") },
  ];
  return (
    <section className="facts" aria-label="Details">
      <h2>Details</h2>
      <dl>
        {facts.filter(({ value }) => value).map(({ name, value, isCode }) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{isCode ? <code>{value}</code> : value}</dd>
          </div>
        ))}
      </dl>
      {Object.keys(job.metadata).length > 0 && <Value label="Metadata" value={job.metadata} />}
      {typeof job.input !== "string" && job.input !== null && (
        <Value label="Input" value={job.input} />
      )}
    </section>
  );
}

function tokens({ usage }: FullJob, name: string): string | undefined {
  const value = usage?.[name];
  return typeof value === "number" ? value.toLocaleString() : undefined;
}
