import type { FullJob } from "../data/schemas.ts";
import { ExpiresIn } from "./expires-in.tsx";

/** A call that the caller must make: nobody can answer it here. */
export function ToolOutputPanel({ job }: { job: FullJob }) {
  return (
    <section
      className="decision tone-awaiting_tool_output"
      aria-label="Tool output"
    >
      <h2>The caller has a tool to run</h2>
      <p>
        The model called a tool that runs in the caller's own program. The job continues when that
        program sends the tool's output.
      </p>
      <ExpiresIn what="The call" at={job.answer_until} />
    </section>
  );
}
