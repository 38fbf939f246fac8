/** One request to `respond`, as a client sends it. */
import { z } from "zod";
import type { Stack } from "../../packages/dev/stack.ts";

export interface Answer {
  /** 0 if the connection was cut, or no answer came in time. */
  status: number;
  body: unknown;
}

const answerMs = 20_000;

/** @param path after `/functions/v1/respond`; a GET without a body */
export async function callRespond(
  stack: Stack,
  token: string,
  path: string,
  request: { body?: unknown; key?: string } = {},
): Promise<Answer> {
  const { body, key } = request;
  try {
    const response = await fetch(`${stack.functionsUrl}/respond${path}`, {
      method: "body" in request ? "POST" : "GET",
      headers: {
        authorization: `Bearer ${token}`,
        ...(body !== undefined && { "content-type": "application/json" }),
        ...(key !== undefined && { "idempotency-key": key }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(answerMs),
    });
    const text = await response.text();
    return { status: response.status, body: parsed(text) };
  } catch (error) {
    if (
      error instanceof TypeError || (error instanceof DOMException && error.name === "TimeoutError")
    ) return { status: 0, body: undefined };
    throw error;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // A worker that is killed while it answers leaves an incomplete body.
    if (error instanceof SyntaxError) return text;
    throw error;
  }
}

const errorSchema = z.object({ error: z.object({ code: z.string() }) });

/** The error's code in an answer; undefined when it has none. */
export function codeOf({ body }: Answer): string | undefined {
  return errorSchema.safeParse(body).data?.error.code;
}
