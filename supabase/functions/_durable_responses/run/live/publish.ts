import { environment } from "../../platform/environment.ts";
import type { TextMessage } from "./run-text.ts";

const TIMEOUT_MS = 5_000;

/**
 * Sends text to the watchers of its jobs: one request to Realtime for all of them. Only a secret key may
 * send on these topics.
 * @throws Error when Realtime did not take it
 */
export async function publishText(messages: TextMessage[]): Promise<void> {
  const { supabaseUrl, secretKey } = environment();
  const answer = await fetch(`${supabaseUrl}/realtime/v1/api/broadcast`, {
    method: "POST",
    headers: { apikey: secretKey, "content-type": "application/json" },
    body: JSON.stringify({
      messages: messages.map((payload) => ({
        topic: `response-job:${payload.job_id}`,
        event: "text",
        private: true,
        payload,
      })),
    }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  await answer.body?.cancel();
  if (!answer.ok) throw new Error(`Realtime answered ${answer.status}`);
}
