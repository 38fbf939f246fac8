/**
 * What a function's first request needs from others, each answering at once: the database, OpenAI, and keys that sign
 * tokens.
 */
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { signWebhook } from "../../packages/cli/src/doctor/sign-webhook.ts";
import { startUpstream } from "../support/upstream.ts";

export interface FirstRequest {
  path: string;
  headers: Record<string, string>;
  body: string;
  /** The status of the correct answer. */
  status: number;
}

export interface Outside extends AsyncDisposable {
  env: Record<string, string>;
  /** A question from a signed-in user: the token is checked, the row written, OpenAI called. */
  question: FirstRequest;
  /** A webhook from OpenAI with a valid signature. It is answered before anything else is done. */
  webhook: FirstRequest;
  /** A wake-up of the worker, which is also answered first. */
  wake: FirstRequest;
  /** For a function that does not check callers. */
  plain: FirstRequest;
}

const signingSecret = "whsec_YmVuY2g=";
const workerSecret = "bench-worker-secret";

export async function startOutside(): Promise<Outside> {
  const upstream = startUpstream({ background: "queued" });
  const database = startDatabase();
  const { publicKey, privateKey } = await generateKeyPair("ES256", { extractable: true });
  const token = await new SignJWT({ sub: crypto.randomUUID(), role: "authenticated" })
    .setProtectedHeader({ alg: "ES256", kid: "bench" })
    .setAudience("authenticated").setExpirationTime("1h").sign(privateKey);
  const key = { ...await exportJWK(publicKey), kid: "bench", alg: "ES256", key_ops: ["verify"] };
  const event = JSON.stringify({ type: "response.completed", data: { id: "resp_bench" } });
  return {
    env: {
      SUPABASE_URL: database.url,
      SUPABASE_SECRET_KEYS: '{"default":"sb_secret_bench"}',
      SUPABASE_PUBLISHABLE_KEYS: '{"default":"sb_publishable_bench"}',
      SUPABASE_JWKS: JSON.stringify({ keys: [key] }),
      OPENAI_API_KEY: "sk-bench-000000",
      OPENAI_BASE_URL: upstream.url,
      OPENAI_WEBHOOK_SECRET: signingSecret,
      DURABLE_RESPONSES_WORKER_SECRET: workerSecret,
    },
    question: {
      path: "/respond",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: '{"query":"Hello"}',
      status: 202,
    },
    webhook: {
      path: "/openai-webhook",
      headers: signWebhook(event, signingSecret),
      body: event,
      status: 200,
    },
    wake: {
      path: "/run-jobs",
      headers: { "x-worker-secret": workerSecret },
      body: '{"source":"bench"}',
      status: 202,
    },
    plain: { path: "/", headers: {}, body: "{}", status: 200 },
    async [Symbol.asyncDispose]() {
      await Promise.all([upstream[Symbol.asyncDispose](), database.stop()]);
    },
  };
}

/** Accepts every job, and has none for a worker. */
function startDatabase() {
  const job = { id: crypto.randomUUID(), status: "background", attempt: 1 };
  const answers: Readonly<Record<string, unknown>> = {
    submit_response_job: { created: true, job },
    record_background_response: { orphaned: false, job },
  };
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const answer = answers[new URL(request.url).pathname.replace("/rest/v1/rpc/", "")];
    return answer === undefined
      ? Response.json({ code: "DR404", message: "Not in this bench" }, { status: 404 })
      : Response.json(answer);
  });
  return { url: `http://127.0.0.1:${server.addr.port}`, stop: () => server.shutdown() };
}
