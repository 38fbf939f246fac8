/** Checks the Edge Functions over HTTP. Each gets a request that it must refuse, so no job is created. */
import { type Project, refusalOf } from "../api/project.ts";
import { Buffer } from "node:buffer";
import { isLocal } from "../terminal/here.ts";
import { ok, skipped, type Verdict, wrong } from "./finding.ts";
import { isWebhookSecret, signWebhook } from "./sign-webhook.ts";

const deploy = "npx supabase functions deploy --remote --use-api";
const setCommand = "npx supabase secrets set --remote";

/** A first request also starts the function. */
const bootTimeoutMs = 30_000;

/** The refusals of each function for an incomplete request. */
const refusals = {
  respond: "invalid_request",
  "openai-webhook": "invalid_signature",
  "run-jobs": "invalid_worker_secret",
} as const;

/** Checks that it is deployed, that it starts with a complete environment, and that the gateway does not ask for a JWT. */
export async function checkFunction(
  project: Project,
  role: keyof typeof refusals,
): Promise<Verdict> {
  const name = role === "respond" ? project.connection.functionName : role;
  const started = performance.now();
  const request = {
    method: "POST",
    body: {},
    timeoutMs: bootTimeoutMs,
  } as const;
  // A request without a key must get through the gateway, and the function must refuse it. `respond` reads its (empty)
  // request only after it has identified the caller, so it gets the key.
  const answer = role === "respond"
    ? await project.invoke(name, request)
    : await project.knock(name, request);
  const { code, message, hint } = refusalOf(answer);
  if (code === refusals[role]) {
    return ok(`answers (${Math.round(performance.now() - started)} ms)`);
  }
  if (code === "not_configured" || code === "secret_not_set") {
    return wrong(message, hint ?? `${setCommand} NAME=value`);
  }
  if (
    code.startsWith("UNAUTHORIZED_") ||
    (answer.status === 401 && code === "401")
  ) {
    return wrong(
      "the gateway asks its callers for a JWT",
      `set verify_jwt = false in config.toml, then ${deploy} ${name}`,
    );
  }
  if (code === "missing_token" || code === "invalid_token") {
    return wrong(
      "does not accept this secret key",
      "SUPABASE_SECRET_KEY must be a key of this project that is not revoked",
    );
  }
  if (answer.status === 404) {
    return wrong("is not deployed", `${deploy} ${name}`);
  }
  return wrong(
    `answers ${code}: ${message}`,
    `look at its log: dashboard > Edge Functions > ${name} > Logs`,
  );
}

/** A forged event must be refused and a signed one accepted. Its type is one that is ignored. */
export async function checkWebhook(project: Project): Promise<Verdict> {
  const body = JSON.stringify({
    object: "event",
    id: "evt_durable_responses_doctor",
    type: "durable_responses.doctor",
    created_at: Math.floor(Date.now() / 1000),
    data: { id: "resp_doctor" },
  });
  const post = (secret: string) =>
    project.knock("openai-webhook", {
      method: "POST",
      body,
      headers: signWebhook(body, secret),
    });
  const forged = await post(
    `whsec_${Buffer.from("not the secret, only as long as one").toString("base64")}`,
  );
  if (forged.status < 300) {
    return wrong(
      "takes events that OpenAI did not sign",
      "deploy this release's functions: npx durable-responses init",
    );
  }
  const refusal = refusalOf(forged);
  if (refusal.code !== "invalid_signature") {
    return wrong(
      `answers ${refusal.code}: ${refusal.message}`,
      refusal.hint ?? deploy,
    );
  }
  const secret = project.connection.secrets["OPENAI_WEBHOOK_SECRET"];
  if (!secret) {
    return skipped(
      "forged events are refused; set OPENAI_WEBHOOK_SECRET to try a signed one too",
    );
  }
  if (!isWebhookSecret(secret)) {
    return wrong(
      "your OPENAI_WEBHOOK_SECRET is not a webhook's secret: it must be whsec_ followed by base64",
      "copy it again, all of it: https://platform.openai.com/settings/project/webhooks",
    );
  }
  const signed = await post(secret);
  return signed.status === 200 ? ok("takes a signed event, refuses a forged one") : wrong(
    `refuses an event signed with your OPENAI_WEBHOOK_SECRET (${refusalOf(signed).code})`,
    isLocal(project.connection.url)
      ? "with dev, source the env file that it printed: it has the stack's own secret. With supabase functions serve, put the secret that signs the events into supabase/functions/.env"
      : `compare it with the secret that OpenAI shows for this webhook. If yours is right: ${setCommand} OPENAI_WEBHOOK_SECRET=whsec_…`,
  );
}
