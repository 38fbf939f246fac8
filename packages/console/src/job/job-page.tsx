/** One job: the query, the outcome, where its time went, and what can be done. */
import { useCallback, useState } from "react";
import { Link } from "wouter";
import { isFinal } from "../../../client/src/index.ts";
import { type FullJob, type Step } from "../data/schemas.ts";
import { FailureNotice } from "../ui/failure-notice.tsx";
import { StatusLabel } from "../ui/status.tsx";
import { formatAgo, formatTime, useNow } from "../ui/time.ts";
import { CopyButton } from "../ui/value.tsx";
import { Actions } from "./actions.tsx";
import { Answer } from "./answer.tsx";
import { Decision } from "./decision.tsx";
import { Facts } from "./facts.tsx";
import { PictureOfJob } from "./picture/picture.tsx";
import { Steps } from "./steps.tsx";
import { useJob } from "./use-job.ts";
import { LiveMark } from "../ui/live-mark.tsx";
import { useLive } from "./use-live.ts";

export function JobPage({ id }: { id: string }) {
  const { data: job, ...query } = useJob(id);
  return (
    <article className="job-pane" aria-label="Job">
      <Link href="/" className="back">← All jobs</Link>
      {query.isError && (
        <FailureNotice
          error={query.error}
          stale={job !== undefined}
          onRetry={() => void query.refetch()}
          retrying={query.isFetching}
        />
      )}
      {job ? <Job job={job} /> : !query.isError && <Waiting />}
    </article>
  );
}

function Job({ job }: { job: FullJob }) {
  const [chosen, setChosen] = useState<number>();
  const live = useLive(job.id, !isFinal(job));
  const showStep = useCallback((step: Step) => {
    setChosen(step.number);
    const entry = document.getElementById(`step-${step.number}`);
    entry?.scrollIntoView({ block: "center" });
    entry?.focus({ preventScroll: true });
  }, []);
  return (
    <>
      <header className="job-head">
        <div className="job-line">
          <StatusLabel status={job.status} />
          <span>{job.profile}</span>
          <Age job={job} />
          {live.state && <LiveMark state={live.state} />}
          <code className="job-id">{job.id}</code>
          <CopyButton text={job.id} what="the job's id" />
          <Actions job={job} />
        </div>
        <Question input={job.input} />
        {job.retry_of !== null && (
          <p className="soft">
            Retries{" "}
            <Link href={`/jobs/${job.retry_of}`}>an earlier job</Link>, without repeating what it
            did
          </p>
        )}
      </header>
      <Decision job={job} />
      <PictureOfJob job={job} onStep={showStep} />
      <Answer job={job} written={live.text} />
      <Steps job={job} chosen={chosen} />
      <Facts job={job} />
    </>
  );
}

function Question({ input }: { input: unknown }) {
  const text = typeof input === "string" ? input : messageText(input);
  return <h1 className={`question ${text.length > 240 ? "is-long" : ""}`}>{text}</h1>;
}

/** The last text in a list of input items. */
function messageText(input: unknown): string {
  if (!Array.isArray(input)) return "Whole request from a server";
  const last: unknown = input.at(-1);
  const content = typeof last === "object" && last !== null && "content" in last && last.content;
  return typeof content === "string" ? content : `${input.length} input items`;
}

function Age({ job }: { job: FullJob }) {
  const now = useNow();
  const iso = new Date(job.created_at).toISOString();
  return (
    <time dateTime={iso} title={formatTime(job.created_at)}>
      {formatAgo(now - job.created_at)} ago
    </time>
  );
}

/** Takes up the space of a job, so that nothing moves when it arrives. */
function Waiting() {
  return (
    <div className="job-waiting" role="status">
      <span className="visually-hidden">Loading the job…</span>
    </div>
  );
}
