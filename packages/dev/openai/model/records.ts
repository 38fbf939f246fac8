import { z } from "zod";
import type { DoneCall } from "./done-call.ts";
import { plainArguments } from "./left-call.ts";
import { parseJson } from "../../json.ts";

/** A finished call as a developer message tells it, on a line of its own. */
const RecordSchema = z.object({
  tool: z.string(),
  server_label: z.string().nullish(),
  arguments: z.unknown(),
  output: z.unknown().optional(),
  error: z.unknown().optional(),
});

/** The finished tool calls that a developer message states, in order; what else it says is prose. */
export function toolRecords(text: string): DoneCall[] {
  return text.split("\n").filter((line) => line.startsWith("{")).flatMap((line) => {
    const record = RecordSchema.safeParse(jsonOrText(line)).data;
    if (record === undefined) return [];
    const { tool, server_label, arguments: args, ...outcome } = record;
    return [{
      server: server_label ?? undefined,
      tool,
      arguments: plainArguments(tool, typeof args === "string" ? jsonOrText(args) : args ?? {}),
      ...outcomeOf(outcome),
    }];
  });
}

/** What a text of JSON says; text that is not JSON stays text. */
export function jsonOrText(text: string): unknown {
  return text === "" ? {} : parseJson(text) ?? text;
}

/** What a call came to, as text and with what it did not come to left out. */
export function outcomeOf(
  { output, error }: { output?: unknown; error?: unknown },
): Pick<DoneCall, "output" | "error"> {
  const asText = (value: unknown) => typeof value === "string" ? value : JSON.stringify(value);
  return {
    ...((output ?? null) !== null && { output: asText(output) }),
    ...((error ?? null) !== null && { error: asText(error) }),
  };
}
