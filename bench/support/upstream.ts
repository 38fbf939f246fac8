/**
 * An OpenAI that takes no time of its own: answers background requests at once, and streams one message after `latencyMs`.
 */

export interface UpstreamCall {
  background: boolean;
  /** The job's query. */
  input: unknown;
  /** When it arrived and when it was answered: performance.now(), in ms. */
  at: number;
  answeredAt: number;
}

export interface Upstream extends AsyncDisposable {
  /** `http://127.0.0.1:port/v1` */
  url: string;
  calls: UpstreamCall[];
}

export interface UpstreamOptions {
  /** The outcome of a background request: it stays queued, or its response has failed. */
  background: "queued" | "failed";
  /** Latency of a synchronous run, in ms. Default: 0. */
  latencyMs?: number;
  /** How often the first function of a request is called before the answer, one call per response. Default: 0. */
  functionCalls?: number;
}

const message = {
  id: "msg_bench",
  type: "message",
  role: "assistant",
  status: "completed",
  content: [{ type: "output_text", text: "ok", annotations: [] }],
};

/** Starts it in this process. */
export function startUpstream(
  { background, latencyMs = 0, functionCalls = 0 }: UpstreamOptions,
): Upstream {
  const calls: UpstreamCall[] = [];
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    async (request) => {
      const at = performance.now();
      if (request.method !== "POST" || !request.url.endsWith("/responses")) {
        return Response.json({ error: { message: "There is no such thing here" } }, {
          status: 404,
        });
      }
      const body = await request.json();
      const call = { background: body.background === true, input: body.input, at, answeredAt: at };
      calls.push(call);
      const response = {
        id: `resp_${crypto.randomUUID()}`,
        object: "response",
        model: body.model,
        metadata: body.metadata ?? {},
        output: [],
      };
      if (latencyMs > 0 && !call.background) {
        await new Promise((resolve) => setTimeout(resolve, latencyMs));
      }
      call.answeredAt = performance.now();
      if (call.background) return inBackground(response, background);
      return streamed(response, functionCallFor(body, functionCalls) ?? message);
    },
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}/v1`,
    calls,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

type Head = { id: string; output: unknown[] } & Record<string, unknown>;

function inBackground(response: Head, status: UpstreamOptions["background"]): Response {
  const error = status === "failed"
    ? { code: "server_error", message: "An error occurred while processing your request" }
    : null;
  return Response.json({ ...response, status, error });
}

/** The next call of the request's function; undefined after the last one. */
function functionCallFor(
  { tools = [], input }: { tools?: { type: string; name?: string }[]; input: unknown },
  wanted: number,
) {
  const name = tools.find(({ type }) => type === "function")?.name;
  const made = Array.isArray(input)
    ? input.filter(({ type }) => type === "function_call_output").length
    : 0;
  if (name === undefined || made >= wanted) return undefined;
  const id = crypto.randomUUID().replaceAll("-", "");
  const args = JSON.stringify({ round: made });
  return {
    type: "function_call",
    id: `fc_${id}`,
    call_id: `call_${id}`,
    name,
    arguments: args,
    status: "completed",
  };
}

function streamed(response: Head, item: Record<string, unknown>): Response {
  const events = [
    { type: "response.created", response: { ...response, status: "in_progress" } },
    { type: "response.output_item.done", output_index: 0, item },
    {
      type: "response.completed",
      response: {
        ...response,
        status: "completed",
        output: [item],
        usage: { input_tokens: 9, output_tokens: 1, total_tokens: 10 },
      },
    },
  ];
  const body = events.map((event, sequence_number) =>
    `event: ${event.type}\ndata: ${JSON.stringify({ ...event, sequence_number })}\n\n`
  ).join("");
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
}
