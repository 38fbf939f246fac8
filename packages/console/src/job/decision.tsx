/** The question that a job asks: may this call be made, what did your own tool return, or was that call made? */
import type { FullJob } from "../data/schemas.ts";
import { ApprovalPanel } from "./approval-panel.tsx";
import { firstInDoubt, ReviewPanel } from "./review-panel.tsx";
import { ToolOutputPanel } from "./tool-output-panel.tsx";

export function Decision({ job }: { job: FullJob }) {
  if (job.status === "awaiting_approval") return <ApprovalPanel job={job} />;
  if (job.status === "awaiting_tool_output") {
    return <ToolOutputPanel job={job} />;
  }
  if (job.status === "needs_review") {
    return <ReviewPanel key={firstInDoubt(job)?.number} job={job} />;
  }
  return null;
}
