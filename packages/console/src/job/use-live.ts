/** Watches a job with the client SDK, which reports changes and the answer while it is written. */
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import type { ConnectionState } from "../../../client/src/index.ts";
import { useProject } from "../connection/context.ts";
import { toFailure } from "../data/failure.ts";

export interface Live {
  /** Undefined until it is known. */
  state: ConnectionState | undefined;
  /** The answer so far; empty if nothing is being written. */
  text: string;
}

const nothing: Live = { state: undefined, text: "" };

/** @param watches false for a final job, which never changes */
export function useLive(id: string, watches: boolean): Live {
  const { responses } = useProject();
  const queries = useQueryClient();
  const [live, setLive] = useState(nothing);
  useEffect(() => {
    if (!watches) return;
    const stop = new AbortController();
    const follow = async () => {
      for await (const update of responses.watch(id, { signal: stop.signal })) {
        if (update.type === "text") {
          setLive((before) => ({ ...before, text: update.text }));
        } else if (update.type === "connection") {
          setLive((before) => ({ ...before, state: update.state }));
        } else {
          // The page shows more than an update contains: attempts, and why they ended.
          void queries.invalidateQueries({ queryKey: ["job", id] });
        }
      }
    };
    follow().catch((error: unknown) => {
      if (stop.signal.aborted) return;
      // For debugging only: the page keeps polling, and shows what is wrong.
      console.warn(`Cannot watch job ${id}: ${toFailure(error).message}`);
      setLive(nothing);
    });
    return () => {
      stop.abort();
      setLive(nothing);
    };
  }, [id, watches, responses, queries]);
  return live;
}
