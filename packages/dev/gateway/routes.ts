/** Which part of the project answers which path, and what the gateway does on the way. */
import { type Context, Hono, type MiddlewareHandler } from "hono";
import { cors } from "hono/cors";
import { bearerToken } from "../auth/bearer.ts";
import type { ApiKeys } from "../auth/keys.ts";
import { verifyToken } from "../auth/tokens.ts";
import { forward } from "../edge/proxy.ts";
import { decideByApiKey, hasApiKey, type Role } from "./api-keys.ts";
import type { VerifiesJwt } from "./function-settings.ts";

/** What stands behind the gateway. */
export interface Upstreams {
  /** PostgREST's own URL, without `/rest/v1`. */
  restUrl: string;
  auth: { fetch(request: Request): Promise<Response> };
  storage: { fetch(request: Request): Promise<Response> };
  edge: {
    has(name: string): boolean;
    fetch(name: string, request: Request): Promise<Response>;
  };
  realtime: {
    /** Gets the request as it came in: only that can become a websocket. */
    connect(request: Request, keyToken: string): Response;
    fetch(request: Request): Promise<Response>;
  };
  verifiesJwt: VerifiesJwt;
}

/** What is known of a request besides itself. */
export interface GatewayEnv {
  Bindings: {
    /** The caller's address. */
    caller: string;
    /** Aborted when the caller has gone away. */
    gone: AbortSignal;
  };
  /** Of a request whose API key was checked. */
  Variables: { role: Role };
}

const jwksPath = "/auth/v1/.well-known/jwks.json";
const corsHeaders = { "access-control-allow-origin": "*" };

/** The routes; `client` is what requests to PostgREST are sent with. */
export function gatewayRoutes(
  keys: ApiKeys,
  upstreams: Upstreams,
  client: Deno.HttpClient,
): Hono<GatewayEnv> {
  const app = new Hono<GatewayEnv>();

  // Functions answer for CORS themselves, on the platform too.
  app.use("/rest/v1/*", cors());
  // As Auth does: without the version, supabase-js in a browser does not look for an error's code.
  app.use("/auth/v1/*", cors({ origin: "*", exposeHeaders: ["X-Supabase-Api-Version"] }));

  app.get(jwksPath, (context) => upstreams.auth.fetch(below("/auth/v1", context)));

  const withKey: MiddlewareHandler<GatewayEnv> = async (context, next) => {
    const decision = decideByApiKey(context.req.raw, keys);
    if (!decision.allowed) return context.json(decision.refusal, 401);
    context.set("role", decision.headers);
    return await next();
  };
  app.use(
    "/auth/v1/*",
    withKey,
    (context) => upstreams.auth.fetch(below("/auth/v1", context, context.var.role)),
  );
  app.use(
    "/rest/v1/*",
    withKey,
    (context) =>
      forward(below("/rest/v1", context, context.var.role), upstreams.restUrl, { client }),
  );
  app.use("/storage/v1/*", cors(), async (context) => {
    const decision = decideByApiKey(context.req.raw, keys);
    // Signed and public URLs are opened by who has no key, and a token is enough for the rest.
    if (!decision.allowed && hasApiKey(context.req.raw)) return context.json(decision.refusal, 401);
    const headers = decision.allowed ? decision.headers : {};
    return await upstreams.storage.fetch(below("/storage/v1", context, headers));
  });
  app.get("/realtime/v1/websocket", withKey, (context) => {
    const keyToken = bearerToken(context.var.role.authorization) ?? "";
    return upstreams.realtime.connect(context.req.raw, keyToken);
  });
  app.use(
    "/realtime/v1/api/*",
    cors(),
    withKey,
    (context) => upstreams.realtime.fetch(below("/realtime/v1", context, context.var.role)),
  );

  app.all("/functions/v1/:name/*", async (context) => {
    const name = context.req.param("name");
    const { edge, verifiesJwt } = upstreams;
    // That there is no such function is said first, as by the CLI: a 401 would send people looking for a key.
    const open = context.req.method === "OPTIONS" || !edge.has(name) || !verifiesJwt(name);
    const refusal = open ? undefined : await refusalWithoutJwt(context.req.raw, keys);
    return refusal ?? await edge.fetch(name, below("/functions/v1", context));
  });

  app.notFound((context) => context.json({ message: "no Route matched with those values" }, 404));
  app.onError((error, context) => {
    console.error(`Cannot answer ${context.req.method} ${context.req.path}:`, error);
    const message = "An invalid response was received from the upstream server";
    return context.json({ message }, 502, corsHeaders);
  });
  return app;
}

/** The request as the part behind `prefix` sees it: its path without the prefix, and who sent it to which gateway. */
function below(
  prefix: string,
  context: Context<GatewayEnv>,
  headers: Record<string, string> = {},
): Request {
  const url = new URL(context.req.url);
  // The key is the gateway's; PostgREST would take the parameter for a filter.
  if (url.searchParams.has("apikey")) url.searchParams.delete("apikey");
  const { method, headers: received, body } = context.req.raw;
  const path = url.pathname.slice(prefix.length) + url.search;
  const signal = context.env.gone;
  const request = new Request(new URL(path, url.origin), {
    method,
    headers: received,
    body,
    signal,
  });
  const forwarded = {
    "x-forwarded-for": context.env.caller,
    "x-forwarded-host": url.hostname,
    "x-forwarded-port": url.port,
    "x-forwarded-proto": "http",
  };
  for (const [name, value] of Object.entries({ ...forwarded, ...headers })) {
    request.headers.set(name, value);
  }
  return request;
}

/** The 401 for a function whose callers must bring a token of this project; undefined when they did. */
async function refusalWithoutJwt(request: Request, keys: ApiKeys): Promise<Response | undefined> {
  const authorization = request.headers.get("authorization");
  const token = bearerToken(authorization);
  if (token && await verifyToken(keys, token)) return undefined;
  const [code, message] = authorization
    ? ["UNAUTHORIZED_INVALID_JWT_FORMAT", "Invalid JWT"]
    : ["UNAUTHORIZED_NO_AUTH_HEADER", "Missing authorization header"];
  return Response.json({ code, message }, {
    status: 401,
    headers: { ...corsHeaders, "sb-error-code": code },
  });
}
