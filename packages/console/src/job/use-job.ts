/** One job, kept up to date until it is final. */
import { useQuery } from "@tanstack/react-query";
import { useProject } from "../connection/context.ts";
import { finalStatuses } from "../data/schemas.ts";

/** What watching tells is shown at once; this is for what it does not tell, or cannot. */
const refreshMs = { moving: 2_000, parked: 10_000 };

export function useJob(id: string) {
  const project = useProject();
  return useQuery({
    queryKey: ["job", id],
    queryFn: ({ signal }) => project.getJob(id, signal),
    refetchInterval: ({ state }) => {
      const status = state.data?.status;
      if (status === undefined || finalStatuses.has(status)) return false;
      return status === "awaiting_approval" || status === "needs_review"
        ? refreshMs.parked
        : refreshMs.moving;
    },
  });
}
