import * as z from "../../model/zod.ts";
import { unwrapWebhook } from "../../openai/verify-webhook.ts";
import { environment } from "../../platform/environment.ts";
import { RequestError } from "../../platform/errors.ts";
import { howToSet } from "../../platform/how-to-set.ts";
import { describe, log } from "../../platform/log.ts";
import { afterAnswer } from "../../platform/runtime.ts";
import type { Profiles } from "../../profiles/profile.ts";
import { readText } from "../http/body.ts";
import { requireMethod } from "../http/method.ts";
import { answering, json } from "../http/reply.ts";

/** Everything that OpenAI's events contain. We ask for the rest. */
const eventSchema = z.looseObject({
  type: z.string(),
  data: z.looseObject({ id: z.optional(z.string()) }),
});

/**
 * The Edge Function `openai-webhook`. It answers as soon as the signature is checked, and continues in `waitUntil`, because
 * OpenAI wants a 2xx within seconds. What settles a job is loaded only then. If something is lost here, the poll finds it.
 */
export function openaiWebhook(
  { profiles }: { profiles: Profiles },
): (request: Request) => Promise<Response> {
  return answering((request) => receive(profiles, request));
}

async function receive(profiles: Profiles, request: Request): Promise<Response> {
  requireMethod(request, "POST");
  const event = await verify(await readText(request), request.headers);
  const responseId = event.data.id;
  if (event.type.startsWith("response.") && responseId !== undefined) {
    afterAnswer(() => settleResponse(profiles, responseId));
  }
  return json(200, { received: true });
}

async function verify(body: string, headers: Headers): Promise<z.infer<typeof eventSchema>> {
  const { webhookSecret } = environment();
  if (!webhookSecret) {
    throw new RequestError(
      "not_configured",
      "Cannot verify the webhook: OPENAI_WEBHOOK_SECRET is not set",
      {
        hint: howToSet("OPENAI_WEBHOOK_SECRET=whsec_…"),
      },
    );
  }
  let payload: unknown;
  try {
    payload = await unwrapWebhook(body, headers, webhookSecret);
  } catch (cause) {
    throw new RequestError(
      "invalid_signature",
      "Cannot accept the webhook: its signature or timestamp is invalid",
      {
        hint: "Compare OPENAI_WEBHOOK_SECRET with the endpoint's secret in OpenAI's dashboard",
        cause,
      },
    );
  }
  const event = eventSchema.safeParse(payload);
  if (!event.success) {
    throw new RequestError("invalid_request", "Cannot read the webhook: it is not an event", {
      hint: "Only OpenAI sends these. An event is {type, data: {id}}",
      cause: event.error,
    });
  }
  return event.data;
}

async function settleResponse(profiles: Profiles, responseId: string): Promise<void> {
  try {
    const { settleReported } = await import("../../jobs/settle-reported.ts");
    await settleReported(profiles, responseId);
  } catch (error) {
    log.error("cannot settle after a webhook; the poll will", {
      response_id: responseId,
      error: describe(error),
    });
  }
}
