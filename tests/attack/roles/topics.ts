/** Every Realtime topic: every caller joins it and sends to it. */
import assert from "node:assert/strict";
import { createClient } from "@supabase/supabase-js";
import { eventually } from "../../support/eventually.ts";
import type { TestStack } from "../../support/stack.ts";
import { apiHeaders, type CallerName, callers, type Credential, credentialsOf } from "./callers.ts";
import { tableUnder } from "./page.ts";

export function testTopics(theStack: () => TestStack): void {
  const { columns, rows } = tableUnder("Realtime topics");
  assert.deepEqual(columns, [...callers]);

  for (const [pattern, expected] of rows) {
    Deno.test(`${pattern}: joined and sent to as docs/security.md says, by each caller`, async () => {
      const { submit, user } = theStack();
      const topic = pattern
        .replace("<a job of the user>", (await submit("plain", "hi")).id)
        .replace("<the user>", user.id)
        .replace("<no such job>", crypto.randomUUID());
      const credentials = await credentialsOf(theStack());
      await using witness = await listen(theStack(), topic, credentials["secret key"]);
      assert.ok(witness.joined);
      const seen: string[] = [];
      for (const caller of callers) {
        seen.push(await rightsOn(theStack(), topic, caller, { credentials, witness }));
      }
      assert.deepEqual(seen, expected);
    });
  }
}

interface Listener extends AsyncDisposable {
  joined: boolean;
  /** Every message received. */
  heard: unknown[];
  send(message: string): Promise<unknown>;
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
    .on("broadcast", { event: "attack" }, ({ payload }) => heard.push(payload?.message));
  const states: string[] = [];
  // The first join must already have the token.
  await client.realtime.setAuth();
  channel.subscribe((state) => states.push(state));
  await eventually("an answer to the join", () => states, (all) => all.length > 0);
  return {
    joined: states[0] === "SUBSCRIBED",
    heard,
    send: (message) => channel.send({ type: "broadcast", event: "attack", payload: { message } }),
    async [Symbol.asyncDispose]() {
      await client.removeAllChannels();
      await client.realtime.disconnect();
    },
  };
}

/** Joins, sends in both ways, then sends with the secret key: everything that arrives before that message got through. */
async function rightsOn(
  theStack: TestStack,
  topic: string,
  caller: CallerName,
  { credentials, witness }: {
    credentials: Record<CallerName, Credential>;
    witness: Pick<Listener, "heard">;
  },
): Promise<string> {
  const broadcast = async (credential: Credential, message: string) => {
    const response = await fetch(`${theStack.stack.apiUrl}/realtime/v1/api/broadcast`, {
      method: "POST",
      headers: { ...apiHeaders(credential), "content-type": "application/json" },
      body: JSON.stringify({
        messages: [{ topic, event: "attack", private: true, payload: { message } }],
      }),
    });
    await response.body?.cancel();
  };
  await using sender = await listen(theStack, topic, credentials[caller]);
  if (sender.joined) await sender.send(`${caller} by socket`);
  await broadcast(credentials[caller], `${caller} by HTTP`);
  await broadcast(credentials["secret key"], `after ${caller}`);
  await eventually(
    "the last message",
    () => witness.heard,
    (heard) => heard.includes(`after ${caller}`),
  );
  const sent = witness.heard.some((message) => String(message).startsWith(caller));
  return [...(sender.joined ? ["listen"] : []), ...(sent ? ["send"] : [])].join(", ") || "no";
}
