import { RequestError } from "../platform/errors.ts";

/**
 * Refuses `prompt: {id}`: OpenAI's stored prompts ended on 2026-11-30, and a request that names one would be accepted here
 * only to fail there.
 * @throws RequestError `stored_prompt`
 */
export function refuseStoredPrompt(settings: object, where: string): void {
  if (!("prompt" in settings) || settings.prompt === undefined || settings.prompt === null) return;
  throw new RequestError(
    "stored_prompt",
    `Cannot use ${where}: it has a 'prompt', but OpenAI's stored prompts ended on 2026-11-30`,
    {
      hint:
        "Copy the prompt's text into `instructions`, and put the values of its variables into the input",
    },
  );
}
