/** An action on a job. The job is read again right after it. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useLocation } from "wouter";
import { useProject } from "../connection/context.ts";
import type { Step } from "../data/schemas.ts";
import type { Approval, Resolution, Seen } from "../../../client/src/index.ts";

export type Action =
  | { kind: "cancel" }
  | { kind: "retry" }
  | { kind: "approve"; answer: Approval }
  | { kind: "resolve"; resolution: Resolution };

/** Identifies the call that was shown, so that a decision is about no other call. */
export function seen({ item_id, digest }: Step): Seen {
  return { requestId: item_id, digest: digest ?? undefined };
}

export function useAction(id: string) {
  const { responses } = useProject();
  const queries = useQueryClient();
  const [, go] = useLocation();
  return useMutation({
    mutationFn: (action: Action) => {
      switch (action.kind) {
        case "cancel":
          return responses.cancel(id);
        case "retry":
          return responses.retry(id);
        case "approve":
          return responses.approve(id, action.answer);
        case "resolve":
          return responses.resolve(id, action.resolution);
      }
    },
    onSuccess: async (job) => {
      await queries.invalidateQueries({ queryKey: ["job", id] });
      void queries.invalidateQueries({ queryKey: ["job-changes"] });
      // A retry of a finished job is a new job.
      if (job.id !== id) go(`/jobs/${job.id}`);
    },
    // The action may have been refused because the job has changed meanwhile.
    onError: () => queries.invalidateQueries({ queryKey: ["job", id] }),
  });
}
