import OpenAI from "openai";
import { environment } from "../environment.ts";
import { fetchOnce } from "../fetch_once.ts";

let client: OpenAI | undefined;

/**
 * The SDK's client. It never retries on its own: a POST that is lost and repeated can be two runs with
 * two sets of side effects, so every retry is a decision of the state machine.
 */
export function openai(): OpenAI {
  const { openaiKey, openaiBaseUrl, webhookSecret } = environment();
  return client ??= new OpenAI({
    apiKey: openaiKey,
    maxRetries: 0,
    fetch: fetchOnce,
    ...(openaiBaseUrl ? { baseURL: openaiBaseUrl } : {}),
    ...(webhookSecret ? { webhookSecret } : {}),
  });
}
