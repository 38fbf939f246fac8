/** The data of the health page, each part separately: one that fails does not hide the others. */
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useProject } from "../connection/context.ts";
import type { Range } from "./series.ts";

/** How many jobs are read for the charts. More would take a browser too long. */
export const activityLimit = 10_000;

const refreshMs = { now: 5_000, charts: 30_000 };

export function useHealth(range: Range) {
  const project = useProject();
  const forOperator = { enabled: project.isOperator, refetchInterval: refreshMs.now };
  const activity = useQuery({
    queryKey: ["activity", range.ms],
    refetchInterval: refreshMs.charts,
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => {
      const now = Date.now();
      const rows = await project.activity(new Date(now - range.ms), activityLimit, signal);
      return { rows, now, range };
    },
  });
  const overview = useQuery({
    queryKey: ["overview"],
    queryFn: ({ signal }) => project.overview(signal),
    ...forOperator,
  });
  const routes = useQuery({
    queryKey: ["routes"],
    queryFn: ({ signal }) => project.routes(signal),
    ...forOperator,
  });
  const workers = useQuery({
    queryKey: ["workers"],
    queryFn: ({ signal }) => project.workers(signal),
    ...forOperator,
  });
  return { activity, overview, routes, workers };
}
