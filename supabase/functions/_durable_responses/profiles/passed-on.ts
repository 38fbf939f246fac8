/**
 * The fields of a profile that are sent to OpenAI as they are, and which types OpenAI takes. Nothing else is known of their
 * values here, because OpenAI adds to them. A name that is missing or unknown is a type error in check/fields.ts.
 */
export type PassedType = "text" | "number" | "whole number" | "true or false" | "list" | "object";

export const passedOn = {
  access_programs: ["object"],
  context_management: ["list"],
  conversation: ["text", "object"],
  image: ["object"],
  include: ["list"],
  max_output_tokens: ["whole number"],
  max_tool_calls: ["whole number"],
  moderation: ["object"],
  parallel_tool_calls: ["true or false"],
  previous_response_id: ["text"],
  prompt_cache_key: ["text"],
  prompt_cache_options: ["object"],
  prompt_cache_retention: ["text"],
  reasoning: ["object"],
  safety_identifier: ["text"],
  service_tier: ["text"],
  stream_options: ["object"],
  temperature: ["number"],
  tool_choice: ["text", "object"],
  top_logprobs: ["whole number"],
  top_p: ["number"],
  truncation: ["text"],
  user: ["text"],
} as const satisfies Record<string, readonly PassedType[]>;

/** Whether OpenAI takes a value of this type there. A field that is undefined or null is as good as left out. */
export function fitsPassedOn(name: keyof typeof passedOn, value: unknown): boolean {
  return value === undefined || value === null ||
    passedOn[name].some((type) => isOfType(type, value));
}

export function isPassedOn(name: string): name is keyof typeof passedOn {
  return Object.hasOwn(passedOn, name);
}

function isOfType(type: PassedType, value: unknown): boolean {
  switch (type) {
    case "text":
      return typeof value === "string";
    case "number":
      return Number.isFinite(value);
    case "whole number":
      return Number.isInteger(value);
    case "true or false":
      return typeof value === "boolean";
    case "list":
      return Array.isArray(value);
    case "object":
      return typeof value === "object" && !Array.isArray(value);
  }
}
