import { useState } from "react";
import type { FullJob, Step } from "../data/schemas.ts";
import { Button } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { FailureNotice } from "../ui/failure-notice.tsx";
import { Call } from "./call.tsx";
import { ExpiresIn } from "./expires-in.tsx";
import { seen, useAction } from "./use-action.ts";

/** Each call that waits for a yes or no, with its exact arguments. */
export function ApprovalPanel({ job }: { job: FullJob }) {
  // A call of the profile's own waits beside the question about it, and is answered with it.
  const waiting = job.steps.filter(({ kind, status }) =>
    status === "waiting" && kind === "mcp_approval_request"
  );
  return (
    <section className="decision tone-awaiting_approval" aria-label="Approval">
      <h2>
        {waiting.length === 1 ? "Allow this call?" : `Allow these ${waiting.length} calls?`}
      </h2>
      <ExpiresIn what="The request" at={job.answer_until} />
      {waiting.map((step) => <Request key={step.item_id} job={job} step={step} />)}
    </section>
  );
}

function Request({ job, step }: { job: FullJob; step: Step }) {
  const action = useAction(job.id);
  const [asksWhy, setAsksWhy] = useState(false);
  const answer = (approve: boolean, reason?: string) =>
    action.mutate({
      kind: "approve",
      answer: { approve, ...seen(step), ...(reason && { reason }) },
    });
  return (
    <div className="request">
      <Call step={step} />
      <div className="decision-buttons">
        <Button look="solid" busy={action.isPending} onClick={() => answer(true)}>Approve</Button>
        <Button busy={action.isPending} onClick={() => setAsksWhy(true)}>Reject…</Button>
      </div>
      {action.isError && (
        <FailureNotice
          error={action.error}
          onRetry={() => action.mutate(action.variables)}
          retrying={action.isPending}
        />
      )}
      <Dialog
        title="Reject this call?"
        description="The model gets your no and your reason, and continues without the call."
        open={asksWhy}
        onOpenChange={setAsksWhy}
      >
        <form
          onSubmit={(event) => {
            event.preventDefault();
            setAsksWhy(false);
            answer(false, String(new FormData(event.currentTarget).get("reason") ?? "").trim());
          }}
        >
          <label className="field">
            <span className="label">Reason, optional</span>
            <textarea name="reason" rows={3} maxLength={1000} />
          </label>
          <div className="dialog-buttons">
            <Button onClick={() => setAsksWhy(false)}>Back</Button>
            <Button type="submit" look="danger">Reject the call</Button>
          </div>
        </form>
      </Dialog>
    </div>
  );
}
