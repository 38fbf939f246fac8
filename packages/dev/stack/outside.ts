/** What the project talks to: OpenAI, unless the options name a real one, and MCP servers. */
import { z } from "zod";
import { startEverythingOnDemand } from "../mcp/everything.ts";
import { startMailbox } from "../mcp/mailbox.ts";
import { FaultSchema } from "../openai/faults/schema.ts";
import { type OpenAIStandIn, startOpenAI } from "../openai/mod.ts";
import { WebhookFaultSchema } from "../openai/webhooks/schema.ts";
import { freePort, usualPort } from "../ports.ts";
import type { StackOptions } from "./options.ts";
import { allStarted, type StackParts } from "./parts.ts";
import type { StackSecrets } from "./secrets.ts";

export interface OutsideOptions {
  options: StackOptions;
  faults: Faults;
  parts: StackParts;
  secrets: StackSecrets;
  functionsUrl: string;
  log: (source: string) => (line: string) => void;
}

export async function startOutside(
  { options, faults, parts, secrets, functionsUrl, log }: OutsideOptions,
) {
  // A stack that keeps its database keeps these addresses too, as far as nobody else has them.
  const { keep } = options;
  const portFor = (index: number) => keep === undefined ? 0 : freePort(usualPort(keep) + index);
  const [mailbox, everything, openai] = await allStarted(
    parts.add(startMailbox({ token: secrets.mailboxToken, port: portFor(0) })),
    parts.add(startEverythingOnDemand({ onLog: log("everything"), port: portFor(1) })),
    options.openai ? undefined : parts.add(startOpenAI({
      apiKey: secrets.openaiApiKey,
      webhookSecret: secrets.webhookSecret,
      webhookUrl: `${functionsUrl}/openai-webhook`,
      port: portFor(2),
      onBadPlan: log("openai"),
      ...(options.plans && { plans: options.plans }),
      ...(options.openaiTimings && { timings: options.openaiTimings }),
    })),
  );
  if (openai) arm(openai, faults);
  const openaiAccess = options.openai ?? { apiKey: secrets.openaiApiKey, baseUrl: openai?.url };
  return { mailbox, everything, openai, openaiAccess };
}

const faultsSchema = z.object({
  faults: z.array(FaultSchema).default([]),
  webhookFaults: z.array(WebhookFaultSchema).default([]),
});
export type Faults = z.infer<typeof faultsSchema>;

/** What the options arm. Throws when it is no fault, or there is no stand-in. */
export function readFaults(options: StackOptions): Faults {
  const { faults, webhookFaults, plans } = options;
  if (options.openai && (plans || faults?.length || webhookFaults?.length)) {
    throw new Error(
      "Cannot set faults or plans: they are the OpenAI stand-in's, and 'openai' names another server",
    );
  }
  const read = faultsSchema.safeParse({ faults, webhookFaults });
  if (read.success) return read.data;
  throw new Error(`Cannot set the faults:\n${z.prettifyError(read.error)}`);
}

function arm(openai: OpenAIStandIn, { faults, webhookFaults }: Faults): void {
  openai.faults.set(faults);
  openai.webhooks.faults.set(webhookFaults);
}
