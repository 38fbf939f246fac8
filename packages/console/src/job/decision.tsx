/** What a job asks a person: may this call be made, or did that call happen. */
import type { FullJob } from "../data/schemas.ts";
import { ApprovalPanel } from "./approval-panel.tsx";
import { ReviewPanel } from "./review-panel.tsx";

export function Decision({ job }: { job: FullJob }) {
  if (job.status === "awaiting_approval") return <ApprovalPanel job={job} />;
  if (job.status === "needs_review") return <ReviewPanel job={job} />;
  return null;
}
