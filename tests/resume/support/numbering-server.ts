/**
 * A server in front of OpenAI that numbers its requests for approval anew in each response: the first is always `mcpr_0`. It
 * keeps nothing but its responses. So an answer is to a request of the response that it continues, or else of its own input.
 */
import { z } from "zod";
import type { Front } from "../../support/stack.ts";

const itemSchema = z.looseObject({
  type: z.string().optional(),
  id: z.string().nullish(),
  approval_request_id: z.string().nullish(),
  approve: z.boolean().optional(),
});
type Item = z.infer<typeof itemSchema>;
const createSchema = z.looseObject({
  previous_response_id: z.string().optional(),
  input: z.union([z.string(), z.array(itemSchema)]),
  metadata: z.record(z.string(), z.string()),
});
const idSchema = z.looseObject({ id: z.string() });

/** A request that says yes. */
export interface Yes {
  jobId: string;
  /** How many calls it tells OpenAI to make. */
  calls: number;
  /** The ids of the requests for approval that it repeats. */
  repeats: string[];
}

export interface NumberingServer extends Front {
  /** Called before a request that says yes is passed on. */
  onYes: (yes: Yes) => Promise<void>;
  stop(): Promise<void>;
}

export function startNumberingServer(): NumberingServer {
  /** By the response: OpenAI's ids, in order. */
  const asked = new Map<string, string[]>();
  /** By OpenAI's id. */
  const numbers = new Map<string, string>();
  const numbered = (text: string, responseId: string) => {
    const ids = asked.get(responseId) ?? [];
    asked.set(responseId, ids);
    return text.replace(/mcpr_[0-9a-f]{16,}/g, (id) => {
      if (!numbers.has(id)) {
        numbers.set(id, `mcpr_${ids.length}`);
        ids.push(id);
      }
      return numbers.get(id) ?? id;
    });
  };
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async (request) => {
    const { pathname, search } = new URL(request.url);
    const headers = new Headers(request.headers);
    headers.delete("content-length");
    const isCreate = request.method === "POST" && pathname.endsWith("/responses");
    const answer = await fetch(front.target + pathname + search, {
      method: request.method,
      headers,
      ...(isCreate && { body: JSON.stringify(await received(await request.json())) }),
    });
    const own = new Headers(answer.headers);
    for (const name of ["content-length", "content-encoding"]) own.delete(name);
    const init = { status: answer.status, headers: own };
    if (answer.headers.get("content-type")?.includes("event-stream") && answer.body) {
      return new Response(eventsOf(answer.body, numbered), init);
    }
    const text = await answer.text();
    const whole = text.startsWith("{") ? idSchema.safeParse(JSON.parse(text)) : undefined;
    return new Response(whole?.success ? numbered(text, whole.data.id) : text, init);
  });

  async function received(body: unknown) {
    const create = createSchema.parse(body);
    const { previous_response_id: previous, input, metadata } = create;
    if (typeof input === "string") return create;
    const made = new Set(
      input.filter(({ type }) => type === "mcp_call").map((item) => item.approval_request_id),
    );
    const calls =
      input.filter((item) => item.approve && !made.has(item.approval_request_id)).length;
    const repeats = input.filter(({ type }) => type === "mcp_approval_request").map(({ id }) =>
      id ?? ""
    );
    const jobId = metadata["durable_responses_job_id"] ?? "";
    if (calls > 0) await front.onYes({ jobId, calls, repeats });
    if (previous === undefined) return create;
    const real = (item: Item) =>
      asked.get(previous)?.[Number(item.approval_request_id?.slice("mcpr_".length))];
    return {
      ...create,
      input: input.map((item) =>
        item.type === "mcp_approval_response" ? { ...item, approval_request_id: real(item) } : item
      ),
    };
  }

  const front: NumberingServer = {
    url: `http://127.0.0.1:${server.addr.port}`,
    target: "",
    onYes: () => Promise.resolve(),
    stop: () => server.shutdown(),
  };
  return front;
}

/** The events of one response, each passed on when it is whole. */
function eventsOf(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  numbered: (text: string, responseId: string) => string,
): ReadableStream<Uint8Array> {
  const responseId = crypto.randomUUID();
  let rest = "";
  return body.pipeThrough(new TextDecoderStream()).pipeThrough(
    new TransformStream<string, string>({
      transform(chunk, controller) {
        const blocks = (rest + chunk).split("\n\n");
        rest = blocks.pop() ?? "";
        for (const block of blocks) controller.enqueue(numbered(`${block}\n\n`, responseId));
      },
      flush: (controller) => controller.enqueue(rest),
    }),
  ).pipeThrough(new TextEncoderStream());
}
