/** Realtime's HTTP API for sending: `POST /api/broadcast` and `POST /api/broadcast/<topic>/events/<event>`. */
import { Hono } from "hono";
import { z } from "zod";
import { bearerToken } from "../auth/bearer.ts";
import type { Claims } from "../auth/tokens.ts";
import type { Topics } from "./topics.ts";

const batch = z.object({
  messages: z.array(z.object({
    topic: z.string().min(1),
    event: z.string().min(1),
    payload: z.unknown(),
    private: z.boolean().default(false),
  })),
});
type Outgoing = z.infer<typeof batch>["messages"][number];

export interface BroadcastParts {
  topics: Topics;
  verify: (token: string) => Promise<Claims | undefined>;
  mayWrite: (topic: string, claims: Claims) => Promise<boolean>;
}

/** The API; the gateway has put the role's token in the place of the API key. */
export function broadcastApi({ topics, verify, mayWrite }: BroadcastParts): Hono {
  const send = async (messages: Outgoing[], authorization: string | null): Promise<Response> => {
    const token = bearerToken(authorization);
    const claims = token ? await verify(token) : undefined;
    if (!claims) return Response.json({ message: "Unauthorized" }, { status: 401 });
    for (const message of messages) {
      // What may not be sent is left out, and the answer does not say so.
      if (message.private && !(await mayWrite(message.topic, claims))) continue;
      topics.send({ ...message, id: crypto.randomUUID() });
    }
    return new Response(null, { status: 202 });
  };

  const app = new Hono();
  app.post("/api/broadcast", async (context) => {
    const parsed = batch.safeParse(await context.req.json());
    if (!parsed.success) return context.json({ errors: parsed.error.issues }, 422);
    return await send(parsed.data.messages, context.req.header("authorization") ?? null);
  });
  app.post("/api/broadcast/:topic/events/:event", async (context) => {
    const { topic, event } = context.req.param();
    const payload: unknown = await context.req.json();
    const isPrivate = context.req.query("private") === "true";
    const authorization = context.req.header("authorization") ?? null;
    return await send([{ topic, event, payload, private: isPrivate }], authorization);
  });
  return app;
}
