import { listen } from "../mcp/listen.ts";
import { createApp } from "./api/app.ts";
import type { OpenAIOptions, OpenAIStandIn } from "./types.ts";
import { World } from "./world.ts";

export type { Fault } from "./faults/schema.ts";
export type { Plans } from "./model/plans.ts";
export type { WebhookFault } from "./webhooks/schema.ts";
export {
  type Download,
  fastTimings,
  naturalTimings,
  type OpenAIOptions,
  type OpenAIStandIn,
  type RecordedRequest,
  type Timings,
  type WebhookDelivery,
} from "./types.ts";

/**
 * Starts a stand-in for the OpenAI Responses API on 127.0.0.1, spoken to by the real `openai` SDK.
 * Its model does what a plan says (model/plan.ts), and really calls MCP servers. It sends signed webhooks,
 * and has by default the bug that this project exists for: `background: true` with an MCP tool fails.
 * Everything else that can go wrong does so on request.
 *
 * @throws Error when the port is taken
 */
export async function startOpenAI(options: OpenAIOptions): Promise<OpenAIStandIn> {
  const world = new World(options);
  const listening = await listen(createApp(world).fetch, options.port ?? 0, options.listen);
  const origin = `http://127.0.0.1:${listening.port}`;
  const { webhooks } = world;
  return {
    origin,
    url: `${origin}/v1`,
    apiKey: world.apiKey,
    faults: world.faults,
    plan: (part, steps) => world.plans.add(part, steps),
    webhooks: {
      get url() {
        return webhooks.url;
      },
      set url(url) {
        webhooks.url = url;
      },
      faults: world.webhookFaults,
      deliveries: webhooks.deliveries,
      send: ({ type, responseId, forge }) => webhooks.send(type, responseId, forge),
      idle: () => webhooks.idle(),
    },
    requests: world.log.requests,
    downloads: world.downloads,
    counts: () => world.log.counts(),
    openStreams: () => world.openStreams,
    activeRuns: () => world.activeRuns(),
    idle: () => world.idle(),
    async stop() {
      await world.stop();
      await listening.stop();
    },
  };
}
