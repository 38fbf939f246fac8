/** Watches the list with the client SDK, which reports changes. */
import { useEffect, useState } from "react";
import type { ConnectionState } from "../../../client/src/index.ts";
import { useProject } from "../connection/context.ts";
import { toFailure } from "../data/failure.ts";
import { type JobFilter, rowsPerPage } from "../data/project.ts";

/**
 * Calls `onNews` whenever the newest jobs change, or the database becomes unreachable or reachable: live through Realtime,
 * otherwise by polling, less often while nothing happens.
 */
export function useNews(
  filter: JobFilter,
  enabled: boolean,
  onNews: () => unknown,
): ConnectionState | undefined {
  const { responses } = useProject();
  const [state, setState] = useState<ConnectionState>();
  useEffect(() => {
    if (!enabled) return;
    const stop = new AbortController();
    const follow = async () => {
      // Without the search text: the page searches more fields than the SDK does.
      const watched = responses.watchList({
        status: filter.statuses,
        ...(filter.profile !== undefined && { profile: filter.profile }),
        limit: rowsPerPage,
        signal: stop.signal,
      });
      for await (const update of watched) {
        if (update.type === "connection") setState(update.state);
        // Going live changes no data. Losing the database or getting it back may.
        if (update.type === "jobs" || update.state !== "live") onNews();
      }
    };
    follow().catch((error: unknown) => {
      if (stop.signal.aborted) return;
      // For debugging only: the page keeps polling, and shows what is wrong.
      console.warn(`Cannot watch the list: ${toFailure(error).message}`);
      setState(undefined);
    });
    return () => {
      stop.abort();
      setState(undefined);
    };
  }, [responses, filter, enabled, onNews]);
  return state;
}
