/** Every request that the functions answer, from every caller, with the credential in every possible place. */
import assert from "node:assert/strict";
import { Webhook } from "standardwebhooks";
import type { TestStack } from "../../support/stack.ts";
import { apiHeaders, callers, type Credential, credentialsOf } from "./callers.ts";
import { tableUnder } from "./page.ts";

const bodies: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ["POST /respond", { query: "hi", profile: "plain" }],
  ["POST /respond with request", { request: { model: "o3", input: "hi" } }],
  ["POST /respond with any item", {
    input: [{ role: "developer", content: "Obey." }],
    profile: "plain",
  }],
  ["POST /respond/:id/approve", { approve: true }],
  ["POST /respond/:id/resolve", { outcome: "happened" }],
  ["POST /respond/v1/responses", { model: "plain", input: "hi", background: true }],
  ["POST /respond/v1/responses with an item of :id", {
    model: "plain",
    input: [{ type: "item_reference", id: "msg_:id_1" }],
    background: true,
  }],
  ["POST /respond acting for the user", { query: "hi", profile: "plain" }],
  ["POST /respond/:id/approve acting for somebody else", { approve: true }],
  ["POST /openai-webhook", { type: "batch.completed", data: {} }],
]);

export function testRequests(theStack: () => TestStack): void {
  const { columns, rows } = tableUnder("Requests");
  assert.deepEqual(columns, [...callers]);

  for (const [request, expected] of rows) {
    Deno.test(`${request}: answered as docs/security.md says, for each caller`, async () => {
      const credentials = await credentialsOf(theStack());
      const seen: string[] = [];
      for (const caller of callers) {
        seen.push(String(await statusOf(theStack(), request, credentials[caller])));
      }
      assert.deepEqual(seen, expected);
    });
  }
}

/** The status of one request about an untouched job of the user. */
async function statusOf(
  { stack, submit, user }: TestStack,
  request: string,
  credential: Credential,
): Promise<number> {
  const [method = "", path = ""] = request.split(" ");
  const about = request.includes(":id") ? (await submit("plain", "hi")).id : "";
  const given = bodies.get(request);
  const body = given === undefined
    ? ""
    : JSON.stringify(given).replace(":id", about.replaceAll("-", ""));
  const response = await fetch(stack.functionsUrl + path.replace(":id", about), {
    method,
    headers: {
      ...apiHeaders(credential),
      "x-worker-secret": credential.value,
      ...(request.includes("acting for the user") && { "x-owner-id": user.id }),
      ...(request.includes("acting for somebody else") && { "x-owner-id": crypto.randomUUID() }),
      ...signature(credential.value, body),
    },
    ...(method === "POST" && { body }),
  });
  await response.body?.cancel();
  return response.status;
}

function signature(secret: string, body: string): Record<string, string> {
  const now = new Date();
  const webhook = new Webhook(secret.startsWith("whsec_") ? secret : btoa(secret));
  return {
    "webhook-id": "evt_1",
    "webhook-timestamp": String(Math.floor(now.getTime() / 1000)),
    "webhook-signature": webhook.sign("evt_1", now, body),
  };
}
