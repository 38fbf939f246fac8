/** One job, kept up to date until it is final. */
import { useQuery } from "@tanstack/react-query";
import { isFinal, isPaused } from "../../../client/src/index.ts";
import { useProject } from "../connection/context.ts";

/** The watch shows updates at once. This finds what the watch does not report. */
const refreshMs = { moving: 2_000, paused: 10_000 };

export function useJob(id: string) {
  const project = useProject();
  return useQuery({
    queryKey: ["job", id],
    queryFn: ({ signal }) => project.getJob(id, signal),
    refetchInterval: ({ state }) => {
      const status = state.data?.status;
      if (status === undefined || isFinal({ status })) return false;
      return isPaused({ status }) ? refreshMs.paused : refreshMs.moving;
    },
  });
}
