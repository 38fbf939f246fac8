import type { Run } from "./run.ts";
import type { WireResponse } from "./wire.ts";

const charactersPerToken = 4;
const reasoningTokensPerItem = 64;

/** Plausible token counts: by the length of what went in and came out. */
export function usageOf(run: Run): NonNullable<WireResponse["usage"]> {
  const reasoning_tokens = reasoningTokensPerItem *
    run.response.output.filter((item) => item.type === "reasoning").length;
  const input_tokens = tokens(run.input) + tokens(run.request.instructions ?? "");
  const output_tokens = tokens(run.response.output) + reasoning_tokens;
  return {
    input_tokens,
    input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
    output_tokens,
    output_tokens_details: { reasoning_tokens },
    total_tokens: input_tokens + output_tokens,
  };
}

function tokens(value: unknown): number {
  return Math.ceil(JSON.stringify(value).length / charactersPerToken);
}
