/** The OpenAI stand-in's part of the timeline: the requests it got and the webhooks it sent. */
import { z } from "zod";
import type {
  OpenAIStandIn,
  RecordedRequest,
  WebhookDelivery,
} from "../../../packages/dev/openai/mod.ts";
import type { Timeline } from "../timeline/timeline.ts";
import type { Tone } from "../timeline/line.ts";

/** How long a line waits for its answer's status, in ms. A slower answer is shown without a status. */
const patienceMs = 350;

const webhookTones: Readonly<Record<string, Tone>> = {
  "response.completed": "good",
  "response.failed": "bad",
  "response.incomplete": "bad",
};

const createBody = z.looseObject({
  background: z.boolean().optional(),
  stream: z.boolean().optional(),
  model: z.string().optional(),
  input: z.union([z.string(), z.array(z.looseObject({ type: z.string().optional() }))]).optional(),
  tools: z.array(z.looseObject({ type: z.string(), server_label: z.string().optional() }))
    .optional(),
  metadata: z.record(z.string(), z.string()).optional(),
});

export class OpenAIObserver {
  /** Not shown yet, because the answer's status is not known. */
  #requests: RecordedRequest[] = [];
  #seenRequests = 0;
  #deliveries: WebhookDelivery[] = [];
  #seenDeliveries = 0;

  /** @param labelOf returns a job's label by its id, if it has one */
  constructor(
    private readonly openai: OpenAIStandIn,
    private readonly timeline: Timeline,
    private readonly labelOf: (jobId: string) => string | undefined,
  ) {}

  /** Shows what is new. With `all`, also requests that still wait for their answer. */
  see(all = false): void {
    const { requests, webhooks: { deliveries } } = this.openai;
    this.#requests.push(...requests.slice(this.#seenRequests));
    this.#seenRequests = requests.length;
    this.#deliveries.push(...deliveries.slice(this.#seenDeliveries));
    this.#seenDeliveries = deliveries.length;
    const patient = (at: number) => !all && Date.now() - at < patienceMs;
    this.#requests = this.#requests.filter((entry) => {
      if (entry.status === undefined && !entry.aborted && patient(entry.at)) return true;
      this.#request(entry);
      return false;
    });
    this.#deliveries = this.#deliveries.filter((entry) => {
      if (entry.status === null && entry.error === null && patient(entry.at)) return true;
      this.#delivery(entry);
      return false;
    });
  }

  #request({ at, method, path, body, status }: RecordedRequest): void {
    const answer = status === undefined ? "" : ` → ${status}`;
    const refused = status !== undefined && status >= 400;
    const create = method === "POST" && path.endsWith("/responses")
      ? createBody.safeParse(body).data
      : undefined;
    const tone: Tone = refused ? "bad" : "got";
    const label = this.labelOf(create?.metadata?.["durable_responses_job_id"] ?? "");
    this.timeline.add({
      at,
      actor: "OpenAI",
      tone,
      text: create ? `${describeCreate(create)}${answer}` : `${method} ${shortPath(path)}${answer}`,
      ...(label ? { job: label } : {}),
    });
  }

  #delivery({ at, type, responseId, status, error }: WebhookDelivery): void {
    const answer = status ?? error;
    this.timeline.add({
      at,
      actor: "openai-webhook",
      tone: webhookTones[type] ?? "got",
      text: `webhook ${type} for ${shortId(responseId)}, signed${
        answer === null ? "" : ` → ${answer}`
      }`,
    });
  }
}

function describeCreate({ background, stream, model, input, tools }: z.infer<typeof createBody>) {
  const servers = (tools ?? []).flatMap((tool) => tool.server_label ?? []);
  const done = Array.isArray(input) ? input.filter(({ type }) => type === "mcp_call").length : 0;
  return [
    `POST /v1/responses ${background ? "background: true" : stream ? "streamed" : "synchronous"}`,
    ...(model ? [model] : []),
    ...(servers.length > 0 ? [`MCP server ${servers.join(", ")}`] : []),
    ...(done > 0 ? [`input holds ${done} finished tool call${done > 1 ? "s" : ""}`] : []),
  ].join(", ");
}

function shortPath(path: string): string {
  return path.replace(/resp_\w+/, shortId);
}

function shortId(id: string): string {
  return id.length > 13 ? `${id.slice(0, 12)}…` : id;
}
