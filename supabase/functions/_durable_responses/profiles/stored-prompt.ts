import { RequestError } from "../platform/errors.ts";

/** What to do instead, here and where profiles are checked. */
export const storedPromptHint =
  "Copy the prompt's text into `instructions`, and put the values of its variables into the input";

/**
 * Refuses `prompt: {id}`: OpenAI's stored prompts end on 2026-11-30, and a request that names one would be accepted here
 * only to fail there.
 * @throws RequestError `stored_prompt`
 */
export function refuseStoredPrompt(settings: object, where: string): void {
  if (!("prompt" in settings) || settings.prompt === undefined || settings.prompt === null) return;
  throw new RequestError(
    "stored_prompt",
    `Cannot use ${where}: it has a 'prompt', but OpenAI's stored prompts end on 2026-11-30`,
    {
      hint: storedPromptHint,
    },
  );
}
