/** Clients for tests: the unchanged supabase-js on a stack, as a user. */
import { createClient, type SupabaseClient } from "@supabase/supabase-js";
import {
  createDurableResponses,
  type DurableResponses,
  type DurableResponsesOptions,
} from "../../../packages/client/src/index.ts";
import type { Stack } from "../../../packages/dev/stack.ts";

export interface TestClient extends AsyncDisposable {
  supabase: SupabaseClient;
  responses: DurableResponses;
}

export interface TestClientOptions extends DurableResponsesOptions {
  key?: string;
  /** Sends every request except the websocket's. */
  fetch?: typeof fetch;
}

/**
 * @param stack a stack, or something that forwards calls to one
 * @param token a user's token, or a function that returns the current one; without it, only the key is sent
 */
export function clientOn(
  stack: Pick<Stack, "apiUrl" | "publishableKey">,
  token: string | (() => string) | undefined,
  { key = stack.publishableKey, fetch: fetching = fetch, ...options }: TestClientOptions = {},
): TestClient {
  const supabase = createClient(stack.apiUrl, key, {
    auth: { persistSession: false, autoRefreshToken: false },
    global: { fetch: fetching },
    realtime: { reconnectAfterMs: () => 100, heartbeatIntervalMs: 500 },
    ...(token !== undefined &&
      {
        accessToken: () => Promise.resolve(typeof token === "string" ? token : token()),
      }),
  });
  return {
    supabase,
    responses: createDurableResponses(supabase, options),
    async [Symbol.asyncDispose]() {
      await supabase.removeAllChannels();
      await supabase.realtime.disconnect();
    },
  };
}
