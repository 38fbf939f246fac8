/** Every Realtime topic, joined and sent to by everybody. */
import assert from "node:assert/strict";
import { createClient } from "@supabase/supabase-js";
import { eventually } from "../../support/eventually.ts";
import type { TestStack } from "../../support/test-stack.ts";
import { apiHeaders, type CallerName, CALLERS, type Credential, credentialsOf } from "./callers.ts";
import { tableUnder } from "./page.ts";

export function testTopics(theStack: () => TestStack): void {
  const { columns, rows } = tableUnder("Realtime topics");
  assert.deepEqual(columns, [...CALLERS]);

  for (const [pattern, expected] of rows) {
    Deno.test(`${pattern}: joined and sent to as docs/security.md says, by each caller`, async () => {
      const { submit, user } = theStack();
      const topic = pattern
        .replace("<a job of the user>", (await submit("plain", "hi")).id)
        .replace("<the user>", user.id)
        .replace("<no such job>", crypto.randomUUID());
      const credentials = await credentialsOf(theStack());
      const seen: string[] = [];
      for (const caller of CALLERS) {
        const rights = [
          ...(await mayJoin(theStack(), topic, credentials[caller]) ? ["listen"] : []),
          ...(await maySend(theStack(), topic, caller, credentials) ? ["send"] : []),
        ];
        seen.push(rights.join(", ") || "no");
      }
      assert.deepEqual(seen, expected);
    });
  }
}

interface Listener extends AsyncDisposable {
  joined: boolean;
  /** `n` of every message that came. */
  heard: unknown[];
  send(n: number): Promise<unknown>;
}

/** Tries to join a private topic; resolves when that has succeeded or failed. */
async function listen(
  { stack }: TestStack,
  topic: string,
  { value, apikey }: Credential,
): Promise<Listener> {
  const client = createClient(stack.apiUrl, apikey, {
    ...(value !== apikey && { accessToken: () => Promise.resolve(value) }),
    auth: { persistSession: false, autoRefreshToken: false },
  });
  const heard: unknown[] = [];
  const channel = client.channel(topic, { config: { private: true, broadcast: { self: true } } })
    .on("broadcast", { event: "attack" }, ({ payload }) => heard.push(payload?.n));
  const states: string[] = [];
  // The first join shall go out with the token already.
  await client.realtime.setAuth();
  channel.subscribe((state) => states.push(state));
  await eventually("an answer to the join", () => states, (all) => all.length > 0);
  return {
    joined: states[0] === "SUBSCRIBED",
    heard,
    send: (n) => channel.send({ type: "broadcast", event: "attack", payload: { n } }),
    async [Symbol.asyncDispose]() {
      await client.removeAllChannels();
      await client.realtime.disconnect();
    },
  };
}

async function mayJoin(stack: TestStack, topic: string, credential: Credential): Promise<boolean> {
  await using listener = await listen(stack, topic, credential);
  return listener.joined;
}

/** Sends in both ways there are, then lets the secret key send: what was heard until then got through. */
async function maySend(
  theStack: TestStack,
  topic: string,
  caller: CallerName,
  credentials: Record<CallerName, Credential>,
): Promise<boolean> {
  const broadcast = (credential: Credential, n: number) =>
    fetch(`${theStack.stack.apiUrl}/realtime/v1/api/broadcast`, {
      method: "POST",
      headers: { ...apiHeaders(credential), "content-type": "application/json" },
      body: JSON.stringify({
        messages: [{ topic, event: "attack", private: true, payload: { n } }],
      }),
    }).then((response) => response.body?.cancel());
  await using witness = await listen(theStack, topic, credentials["secret key"]);
  assert.ok(witness.joined);
  await using sender = await listen(theStack, topic, credentials[caller]);
  if (sender.joined) await sender.send(1);
  await broadcast(credentials[caller], 2);
  await broadcast(credentials["secret key"], 3);
  await eventually("the last message", () => witness.heard, (heard) => heard.includes(3));
  return witness.heard.some((n) => n === 1 || n === 2);
}
