import { answering } from "../_shared/http/reply.ts";
import { receiveWebhook } from "../_shared/webhook.ts";

Deno.serve(answering(receiveWebhook));
