import { newId } from "../../ids.ts";
import { wait } from "../../wait.ts";
import type { RunEnv } from "../env.ts";
import type { Run } from "../run.ts";

/** Most pieces in which arguments are written, and fewest characters of one. */
const mostPieces = 20;
const fewestCharacters = 8;

/** A function_call item: a call that whoever asked makes, and answers in the input of another request. */
export async function askForCall(
  run: Run,
  env: RunEnv,
  { tool, arguments: args }: { tool: string; arguments: Record<string, unknown> },
): Promise<void> {
  const shape = {
    type: "function_call",
    id: newId("fc"),
    call_id: newId("call"),
    name: tool,
  } as const;
  const text = JSON.stringify(args);
  const output_index = run.openItem({ ...shape, arguments: "", status: "in_progress" });
  const at = { item_id: shape.id, output_index };
  const length = Math.max(fewestCharacters, Math.ceil(text.length / mostPieces));
  const pieces = Math.ceil(text.length / length);
  for (let piece = 0; piece < pieces; piece++) {
    const delta = text.slice(piece * length, (piece + 1) * length);
    run.emit({ type: "response.function_call_arguments.delta", ...at, delta });
    await wait(env.timings.argumentsMs / pieces, run.signal);
  }
  run.emit({ type: "response.function_call_arguments.done", ...at, arguments: text });
  run.closeItem(output_index, { ...shape, arguments: text, status: "completed" });
}
