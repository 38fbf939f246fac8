import { z } from "zod";
import { invalid } from "../errors.ts";
import { FaultSchema } from "../faults/schema.ts";
import { parseJson } from "../request/parse.ts";
import { WebhookFaultSchema } from "../webhooks/schema.ts";
import type { World } from "../world.ts";
import type { ApiContext } from "./context.ts";

const BodySchema = z.strictObject({
  faults: z.array(FaultSchema).default([]),
  webhooks: z.array(WebhookFaultSchema).default([]),
});

/*
 * Faults for another process, with the API key as bearer:
 *
 *   GET    /__faults   what is set, with the `times` that are left
 *   POST   /__faults   adds {"faults": [Fault, …], "webhooks": [WebhookFault, …]}
 *   DELETE /__faults   clears all
 *
 *   curl -X POST $ORIGIN/__faults -H "authorization: Bearer $OPENAI_API_KEY" \
 *     -d '{"faults": [{"kind": "stuck-queued", "times": 1}], "webhooks": [{"kind": "lose"}]}'
 *
 * See faults/schema.ts and webhooks/schema.ts for the kinds. Each answers with what is set then.
 */

export function listFaults(context: ApiContext, world: World): Response {
  return context.json({ faults: world.faults.list(), webhooks: world.webhookFaults.list() });
}

export async function addFaults(context: ApiContext, world: World): Promise<Response> {
  const body = BodySchema.safeParse(parseJson(await context.req.text()));
  if (!body.success) throw invalid("faults", "invalid_value", z.prettifyError(body.error));
  for (const fault of body.data.faults) world.faults.add(fault);
  for (const fault of body.data.webhooks) world.webhookFaults.add(fault);
  return listFaults(context, world);
}

export function clearFaults(context: ApiContext, world: World): Response {
  world.faults.clear();
  world.webhookFaults.clear();
  return listFaults(context, world);
}
