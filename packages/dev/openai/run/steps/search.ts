import { newId } from "../../ids.ts";
import { wait } from "../../wait.ts";
import type { RunEnv } from "../env.ts";
import type { Run } from "../run.ts";

/** A call of the native web search. Nothing is searched. */
export async function search(run: Run, env: RunEnv, query: string): Promise<void> {
  const id = newId("ws");
  const action = { type: "search", query } as const;
  const output_index = run.openItem({ type: "web_search_call", id, status: "in_progress", action });
  const at = { item_id: id, output_index };
  run.emit({ type: "response.web_search_call.in_progress", ...at });
  run.emit({ type: "response.web_search_call.searching", ...at });
  await wait(env.timings.stepMs, run.signal);
  run.emit({ type: "response.web_search_call.completed", ...at });
  run.closeItem(output_index, { type: "web_search_call", id, status: "completed", action });
}
