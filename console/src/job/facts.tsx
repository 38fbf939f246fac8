/** The rest of what is known of a job. */
import type { ReactNode } from "react";
import type { FullJob } from "../data/schemas.ts";
import { formatTime } from "../ui/time.ts";
import { Value } from "../ui/value.tsx";

export function Facts({ job }: { job: FullJob }) {
  const facts: (readonly [string, ReactNode])[] = [
    ["Accepted", formatTime(job.created_at)],
    ["Finished", job.finished_at !== null && formatTime(job.finished_at)],
    ["Runs next", job.run_at !== null && formatTime(job.run_at)],
    ["Deadline", formatTime(job.deadline)],
    ["Failed attempts", `${job.failures} of at most ${job.max_attempts}`],
    ["Left background with", job.fallback_reason && <code>{job.fallback_reason}</code>],
    ["Route", job.route && <code>{job.route}</code>],
    ["Worker", job.leased_by && <code>{job.leased_by}</code>],
    ["Response", job.response_id && <code>{job.response_id}</code>],
    ["Owner", job.owner_id ? <code>{job.owner_id}</code> : "a server with a secret key"],
    ["Idempotency key", job.idempotency_key && <code>{job.idempotency_key}</code>],
    ...tokens(job.usage),
  ];
  return (
    <section className="facts" aria-label="Details">
      <h2>Details</h2>
      <dl>
        {facts.map(([name, value]) =>
          value
            ? (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </div>
            )
            : null
        )}
      </dl>
      {Object.keys(job.metadata).length > 0 && <Value label="Metadata" value={job.metadata} />}
      {typeof job.input !== "string" && job.input !== null && (
        <Value label="Input" value={job.input} />
      )}
    </section>
  );
}

function tokens(usage: FullJob["usage"]): (readonly [string, ReactNode])[] {
  const count = (name: string) => {
    const value = usage?.[name];
    return typeof value === "number" ? value.toLocaleString() : undefined;
  };
  return [
    ["Tokens in", count("input_tokens")],
    ["Tokens out", count("output_tokens")],
    ["Tokens in all", count("total_tokens")],
  ];
}
