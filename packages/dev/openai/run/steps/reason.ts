import { newId } from "../../ids.ts";
import { encryptReasoning } from "../../request/encrypted.ts";
import { wait } from "../../wait.ts";
import type { RunEnv } from "../env.ts";
import type { Run } from "../run.ts";
import { pieces } from "./pieces.ts";

/** A reasoning item, with a summary where one was asked for and encrypted content where included. */
export async function reason(run: Run, env: RunEnv, words: string): Promise<void> {
  const id = newId("rs");
  const summarized = (run.request.reasoning?.summary ?? null) !== null;
  const encrypted = run.request.include?.includes("reasoning.encrypted_content") ?? false;
  const secret = encrypted ? { encrypted_content: encryptReasoning(id, words) } : {};
  const output_index = run.openItem({ type: "reasoning", id, summary: [] });
  if (summarized) await summarize(run, env, id, output_index, words);
  const summary = summarized ? [{ type: "summary_text" as const, text: words }] : [];
  run.closeItem(output_index, { type: "reasoning", id, summary, ...secret });
}

async function summarize(
  run: Run,
  env: RunEnv,
  item_id: string,
  output_index: number,
  text: string,
): Promise<void> {
  const at = { item_id, output_index, summary_index: 0 };
  run.emit({
    type: "response.reasoning_summary_part.added",
    ...at,
    part: { type: "summary_text", text: "" },
  });
  for (const delta of pieces(text, 8)) {
    await wait(env.timings.deltaMs, run.signal);
    run.emit({ type: "response.reasoning_summary_text.delta", ...at, delta });
  }
  run.emit({ type: "response.reasoning_summary_text.done", ...at, text });
  run.emit({
    type: "response.reasoning_summary_part.done",
    ...at,
    part: { type: "summary_text", text },
  });
}
