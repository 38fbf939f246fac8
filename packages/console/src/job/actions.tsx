/** The actions on a job in its status. Those that cannot be undone ask first. */
import { AlertDialog } from "radix-ui";
import { useState } from "react";
import { isFinal } from "../../../client/src/index.ts";
import { type FullJob } from "../data/schemas.ts";
import { Button } from "../ui/button.tsx";
import { FailureNotice } from "../ui/failure-notice.tsx";
import { useAction } from "./use-action.ts";

export function Actions({ job }: { job: FullJob }) {
  const action = useAction(job.id);
  const [asks, setAsks] = useState(false);
  const mayRetry = job.status === "failed" || job.status === "cancelled";
  const mayRunNow = job.status === "queued";
  const mayCancel = !isFinal(job);
  return (
    <div className="actions">
      {mayRetry && (
        <Button
          look="solid"
          busy={action.isPending}
          onClick={() => action.mutate({ kind: "retry" })}
        >
          Retry
        </Button>
      )}
      {mayRunNow && (
        <Button
          busy={action.isPending}
          onClick={() => action.mutate({ kind: "retry" })}
        >
          Run now
        </Button>
      )}
      {mayCancel && (
        <Button look="danger" busy={action.isPending} onClick={() => setAsks(true)}>Cancel</Button>
      )}
      {action.isError && (
        <FailureNotice
          error={action.error}
          onRetry={() => action.mutate(action.variables)}
          retrying={action.isPending}
        />
      )}
      <AlertDialog.Root open={asks} onOpenChange={setAsks}>
        <AlertDialog.Portal>
          <AlertDialog.Overlay className="overlay" />
          <AlertDialog.Content className="dialog">
            <AlertDialog.Title className="dialog-title">Cancel this job?</AlertDialog.Title>
            <AlertDialog.Description className="soft">
              {job.status === "running" || job.status === "background"
                ? "It is running now. Tool calls in flight may still complete, and nothing that was done is undone."
                : "It will not run again. You can retry it later as a new job."}
            </AlertDialog.Description>
            <div className="dialog-buttons">
              <AlertDialog.Cancel className="button button-plain">Keep it</AlertDialog.Cancel>
              <AlertDialog.Action
                className="button button-danger"
                onClick={() => action.mutate({ kind: "cancel" })}
              >
                Cancel the job
              </AlertDialog.Action>
            </div>
          </AlertDialog.Content>
        </AlertDialog.Portal>
      </AlertDialog.Root>
    </div>
  );
}
