/** `dev --openai-only`: the OpenAI stand-in alone, beside a Supabase that runs elsewhere, such as `supabase start`. */
import { z } from "zod";
import { startOpenAI } from "../openai/mod.ts";
import { visible } from "../../text/visible.ts";
import { readConfig } from "../gateway/config-file.ts";
import { createSecrets } from "../stack/secrets.ts";
import { secretsByFile } from "./project-secrets.ts";
import { WrongUsage } from "./usual-command.ts";

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
const codeSchema = z.looseObject({ code: z.string().optional() }).catch({});
const configSchema = z.object({
  api: z.object({ port: z.int().default(54321) }).default({ port: 54321 }),
});

/** Starts it, and prints what the functions need to know. */
export async function runOpenAIOnly(options: OpenAIOnlyOptions): Promise<void> {
  const { project, port, listen } = options;
  const { apiKey, webhookSecret } = standInSecrets(project);
  const url = options.url ?? await urlOf(project);
  const openai = await startOpenAI({
    apiKey,
    webhookSecret,
    webhookUrl: `${url}/functions/v1/openai-webhook`,
    port,
    ...(options.plans !== undefined && { plans: options.plans }),
    listen: { hostname: listen, names: [hostOfContainers, listen] },
    onLine: (line) => console.log(visible(`[openai] ${line}`)),
  }).catch((cause) => {
    const { code } = codeSchema.parse(cause);
    if (code === undefined) throw cause;
    if (noAddress.has(code)) {
      throw new WrongUsage(
        `Cannot listen on ${listen}: --listen must be an address of this machine, such as 127.0.0.1`,
      );
    }
    throw new Error(whyNot(code, listen, port), { cause });
  });
  console.log(`OpenAI stand-in at ${openai.url}; its webhooks go to ${url}

Add these lines to supabase/functions/.env for \`supabase functions serve\`:

OPENAI_API_KEY=${apiKey}
OPENAI_BASE_URL=http://${hostOfContainers}:${port}/v1
OPENAI_WEBHOOK_SECRET=${webhookSecret}

Once they are there, they stay valid: the next start uses the same.
With Docker on Linux, add --listen 172.17.0.1 (the address of the bridge docker0).
To set a fault while it runs:

curl -X POST ${openai.origin}/__faults -H 'authorization: Bearer ${apiKey}' -d '{"faults": [{"kind": "stuck-queued", "times": 1}]}'

Ready. Ctrl-C stops it
`);
}

/** What the system says of an address that is none of this machine's, or no address. */
const noAddress = new Set(["ENOTFOUND", "EAI_AGAIN", "EADDRNOTAVAIL", "EINVAL"]);

/** The system's own words name neither the option nor a way out. */
function whyNot(code: string, listen: string, port: number): string {
  const cannot = `Cannot listen on ${listen}:${port}`;
  return code === "EADDRINUSE"
    ? `${cannot}: another program does, such as another dev --openai-only. Stop it, or use another port: --openai-port ${
      port + 1
    }`
    : `${cannot}: use another --openai-port or --listen`;
}

/**
 * Those of an earlier start, if its lines are in one of the project's files: the functions that have read them then need no
 * new ones. A real key is neither taken nor printed, nor is the webhook secret beside it.
 */
export function standInSecrets(project: string): { apiKey: string; webhookSecret: string } {
  const made = createSecrets();
  const local = secretsByFile(project).find((known) =>
    known["OPENAI_API_KEY"]?.startsWith("sk-local-")
  );
  return {
    apiKey: local?.["OPENAI_API_KEY"] ?? made.openaiApiKey,
    webhookSecret: local?.["OPENAI_WEBHOOK_SECRET"] || made.webhookSecret,
  };
}

async function urlOf(project: string): Promise<string> {
  return `http://127.0.0.1:${(await readConfig(project, configSchema)).api.port}`;
}
