import type { Run } from "./run.ts";
import type { WireResponse } from "./wire.ts";

const CHARACTERS_PER_TOKEN = 4;
const REASONING_TOKENS_PER_ITEM = 64;

/** Plausible token counts: by the length of what went in and came out. */
export function usageOf(run: Run): NonNullable<WireResponse["usage"]> {
  const reasoning_tokens = REASONING_TOKENS_PER_ITEM *
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
  return Math.ceil(JSON.stringify(value).length / CHARACTERS_PER_TOKEN);
}
