import { timingSafeEqual } from "node:crypto";
import { Hono } from "hono";
import { ApiError, unexplained } from "../errors.ts";
import { newId } from "../ids.ts";
import { maskBody, maskHeaders } from "../request-log.ts";
import type { RecordedRequest } from "../types.ts";
import type { World } from "../world.ts";
import type { ApiContext, Env } from "./context.ts";
import { createResponse } from "./create.ts";
import { addFaults, clearFaults, listFaults } from "./faults.ts";
import { listModels, retrieveModel } from "./models.ts";
import { cancelResponse, deleteResponse, listInputItems, retrieveResponse } from "./stored.ts";
import { parseJson } from "../../json.ts";

/** The whole HTTP interface over a world. */
export function createApp(world: World): Hono<Env> {
  const app = new Hono<Env>();
  app.use(async (context, next) => {
    const started = performance.now();
    const record = await recordOf(context);
    context.set("requestId", record.requestId);
    context.set("record", record);
    world.log.add(record);
    context.req.raw.signal.addEventListener("abort", () => record.aborted = true, { once: true });
    await next();
    record.status = context.res.status;
    const met = record.faults.length > 0 ? ` (${record.faults.join(", ")})` : "";
    world.say(`${record.method} ${record.path} → ${record.status}${met}`);
    if (record.status >= 400) world.log.count("refused");
    context.header("x-request-id", record.requestId);
    context.header("openai-version", "2020-10-01");
    context.header("openai-processing-ms", String(Math.round(performance.now() - started)));
  });
  app.use(async (context, next) => {
    checkKey(context, world.apiKey);
    await next();
  });
  app.post("/v1/responses", (context) => createResponse(context, world));
  app.get("/v1/responses/:id", (context) => retrieveResponse(context, world));
  app.delete("/v1/responses/:id", (context) => deleteResponse(context, world));
  app.post("/v1/responses/:id/cancel", (context) => cancelResponse(context, world));
  app.get("/v1/responses/:id/input_items", (context) => listInputItems(context, world));
  app.get("/v1/models", listModels);
  app.get("/v1/models/:id", retrieveModel);
  app.get("/__faults", (context) => listFaults(context, world));
  app.post("/__faults", (context) => addFaults(context, world));
  app.delete("/__faults", (context) => clearFaults(context, world));
  app.notFound(({ req }) =>
    answer(new ApiError(404, { message: `Invalid URL (${req.method} ${req.path})` }))
  );
  app.onError((error, context) => answer(asApiError(error, context)));
  return app;
}

function answer(error: ApiError): Response {
  return new Response(JSON.stringify({ error: error.body }), {
    status: error.status,
    headers: { "content-type": "application/json", ...error.headers },
  });
}

/** A fault of the stand-in's own code is a 500, as it would be at OpenAI, with the reason on stderr. */
function asApiError(error: Error, context: ApiContext): ApiError {
  if (error instanceof ApiError) return error;
  // A client that hung up is no fault, and nobody reads the answer.
  if (!context.req.raw.signal.aborted) console.error("OpenAI stand-in:", error);
  return new ApiError(500, {
    message: unexplained(context.get("requestId")),
    type: "server_error",
    code: "server_error",
  });
}

async function recordOf(context: ApiContext): Promise<RecordedRequest> {
  const text = await context.req.text();
  return {
    at: Date.now(),
    method: context.req.method,
    path: context.req.path,
    query: context.req.query(),
    headers: maskHeaders(context.req.raw.headers),
    body: maskBody(parseJson(text)),
    requestId: newId("req"),
    status: undefined,
    faults: [],
    aborted: false,
  };
}

/** @throws ApiError 401 */
function checkKey(context: ApiContext, apiKey: string): void {
  const [, key] = /^Bearer\s+(.+)$/i.exec(context.req.header("authorization") ?? "") ?? [];
  if (key === undefined) {
    throw new ApiError(401, {
      message:
        "You didn't provide an API key. You need to provide your API key in an Authorization " +
        "header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
    });
  }
  const encoder = new TextEncoder();
  const [given, expected] = [encoder.encode(key), encoder.encode(apiKey)];
  if (given.length === expected.length && timingSafeEqual(given, expected)) return;
  throw new ApiError(401, {
    message:
      `Incorrect API key provided: ${key.slice(0, 3)}${"*".repeat(8)}. You can find your API ` +
      "key at https://platform.openai.com/account/api-keys.",
    code: "invalid_api_key",
  });
}
