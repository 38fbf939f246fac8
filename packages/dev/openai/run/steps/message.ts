import type OpenAI from "openai";
import { newId } from "../../ids.ts";
import { wait } from "../../wait.ts";
import type { RunEnv } from "../env.ts";
import type { Run } from "../run.ts";

/** With no pause between deltas, other work still gets its turn after this many. */
const burst = 64;

type OutputText = OpenAI.Responses.ResponseOutputText;

/** A message, streamed piece by piece. With status "incomplete" it is cut off there. */
export async function message(
  run: Run,
  env: RunEnv,
  deltas: readonly string[],
  status: "completed" | "incomplete" = "completed",
): Promise<void> {
  const id = newId("msg");
  const shape = { type: "message", id, role: "assistant" } as const;
  const output_index = run.openItem({ ...shape, status: "in_progress", content: [] });
  const at = { item_id: id, output_index, content_index: 0 };
  run.emit({ type: "response.content_part.added", ...at, part: outputText("") });
  for (const [index, delta] of deltas.entries()) {
    if (env.timings.deltaMs > 0 || index % burst === 0) {
      await wait(env.timings.deltaMs, run.signal);
    }
    run.emit({ type: "response.output_text.delta", ...at, delta, logprobs: [] });
  }
  const text = deltas.join("");
  run.emit({ type: "response.output_text.done", ...at, text, logprobs: [] });
  run.emit({ type: "response.content_part.done", ...at, part: outputText(text) });
  run.closeItem(output_index, { ...shape, status, content: [outputText(text)] });
}

function outputText(text: string): OutputText {
  return { type: "output_text", text, annotations: [], logprobs: [] };
}
