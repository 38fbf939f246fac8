/** The result: the answer, or why there is none. */
import type { FullJob } from "../data/schemas.ts";
import { CopyButton, Value } from "../ui/value.tsx";

/** @param written what a run has written so far */
export function Answer({ job, written }: { job: FullJob; written: string }) {
  if (job.error_code !== null) {
    return (
      <section className="outcome-box is-failed" aria-label="Error">
        <h2>
          Failed with <code>{job.error_code}</code>
        </h2>
        <p>{job.error_message}</p>
        {job.error_hint && (
          <p>
            <b>What to do:</b> {job.error_hint}
          </p>
        )}
      </section>
    );
  }
  if (job.status !== "completed") return <Written text={written} />;
  return (
    <section className="outcome-box" aria-label="Answer">
      <h2>
        Answer <CopyButton text={job.output_text ?? ""} what="the answer" />
      </h2>
      {job.output_parsed === null
        ? <p className="answer-text">{job.output_text ?? "It has no text."}</p>
        : <Value label="In the profile's schema" value={job.output_parsed} />}
    </section>
  );
}

function Written({ text }: { text: string }) {
  if (text === "") return null;
  return (
    <section className="outcome-box" aria-label="Answer, being written">
      <h2>Being written</h2>
      <p className="answer-text is-written">{text}</p>
    </section>
  );
}
