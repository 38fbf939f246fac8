/** `dev --openai-only`: the OpenAI stand-in alone, beside a Supabase that runs elsewhere, such as `supabase start`. */
import { join } from "node:path";
import { parse } from "deno-std/toml/parse.js";
import { z } from "zod";
import { startOpenAI } from "../openai/mod.ts";
import { visible } from "../../text/visible.ts";
import { createSecrets } from "../stack/secrets.ts";
import { allSecrets } from "./project-secrets.ts";

export interface OpenAIOnlyOptions {
  project: string;
  port: number;
  /** The address that it listens on. */
  listen: string;
  /** The project's URL, to which webhooks go; that of config.toml when left out. */
  url?: string;
  /** The path of a file of plans. */
  plans?: string;
}

/** By this name a container reaches the machine that it runs on. */
const hostOfContainers = "host.docker.internal";
const configSchema = z.object({
  api: z.object({ port: z.int().default(54321) }).default({ port: 54321 }),
});

/** Starts it, and prints what the functions need to know. */
export async function runOpenAIOnly(options: OpenAIOnlyOptions): Promise<void> {
  const { project, port, listen } = options;
  const known = allSecrets(project);
  const made = createSecrets();
  const apiKey = localKey(known["OPENAI_API_KEY"]) ?? made.openaiApiKey;
  const webhookSecret = known["OPENAI_WEBHOOK_SECRET"] || made.webhookSecret;
  const url = options.url ?? await urlOf(project);
  const openai = await startOpenAI({
    apiKey,
    webhookSecret,
    webhookUrl: `${url.replace(/\/+$/, "")}/functions/v1/openai-webhook`,
    port,
    ...(options.plans !== undefined && { plans: options.plans }),
    listen: { hostname: listen, names: [hostOfContainers, listen] },
    onLine: (line) => console.log(visible(`[openai] ${line}`)),
  });
  console.log(`OpenAI stand-in at ${openai.url}; its webhooks go to ${url}

Add these lines to supabase/functions/.env for \`supabase functions serve\`:

OPENAI_API_KEY=${apiKey}
OPENAI_BASE_URL=http://${hostOfContainers}:${port}/v1
OPENAI_WEBHOOK_SECRET=${webhookSecret}

With Docker on Linux, add --listen 172.17.0.1 (the address of the bridge docker0).
To set a fault while it runs:

curl -X POST ${openai.origin}/__faults -H 'authorization: Bearer ${apiKey}' -d '{"faults": [{"kind": "stuck-queued", "times": 1}]}'

Ready. Ctrl-C stops it
`);
}

/** A stand-in should neither ask for a real key nor print one. */
function localKey(key: string | undefined): string | undefined {
  return key?.startsWith("sk-local-") ? key : undefined;
}

async function urlOf(project: string): Promise<string> {
  const text = await Deno.readTextFile(join(project, "supabase", "config.toml"));
  return `http://127.0.0.1:${configSchema.parse(parse(text)).api.port}`;
}
