import { openaiWebhook } from "../_durable_responses/api/native/openai-webhook.ts";
import { profiles } from "../_shared/profiles.ts";

Deno.serve(openaiWebhook({ profiles }));
