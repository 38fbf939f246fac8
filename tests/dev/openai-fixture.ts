import OpenAI from "openai";
import {
  findEmail,
  type Mailbox,
  replyToEmail,
  startMailbox,
} from "../../packages/dev/mcp/mailbox.ts";
import {
  fastTimings,
  type OpenAIStandIn,
  startOpenAI,
  type Timings,
} from "../../packages/dev/openai/mod.ts";
import { eventually } from "../support/eventually.ts";

export const testKey = "sk-test-key-of-the-stand-in";
export const testWebhookSecret = `whsec_${btoa("a secret for webhooks in tests")}`;
export const invoiceQuery =
  "Find the email from Nora about the overdue invoice and reply that we will pay on Friday";

/** The stand-in's plan for it. It has no text at the end, so the answer reports the outcome of the calls. */
const plan = ["reason", findEmail("overdue invoice"), replyToEmail("We will pay on Friday.")];

/** A webhook as it arrived, not verified. */
export interface Arrived {
  headers: Headers;
  body: string;
}

export interface Fixture {
  openai: OpenAIStandIn;
  client: OpenAI;
  mailbox: Mailbox;
  /** The mailbox as an MCP tool that needs no approval. */
  mcp: OpenAI.Responses.Tool.Mcp;
  arrived: Arrived[];
  /** The next webhooks are answered with these statuses, then 200. */
  answers: number[];
}

/** The stand-in, a mailbox and a webhook receiver, with a client of the real SDK. */
export async function withStandIn(
  run: (fixture: Fixture) => Promise<void>,
  timings: Partial<Timings> = {},
): Promise<void> {
  const arrived: Arrived[] = [];
  const answers: number[] = [];
  const receiver = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      arrived.push({ headers: request.headers, body: await request.text() });
      return new Response(null, { status: answers.shift() ?? 200 });
    },
  );
  const mailbox = await startMailbox({ token: "mailbox-token" });
  const openai = await startOpenAI({
    apiKey: testKey,
    webhookSecret: testWebhookSecret,
    webhookUrl: `http://127.0.0.1:${receiver.addr.port}/hook`,
    timings: { ...fastTimings, ...timings },
    plans: { [invoiceQuery]: plan.join("; ") },
  });
  try {
    await run({
      openai,
      mailbox,
      arrived,
      answers,
      client: new OpenAI({ apiKey: testKey, baseURL: openai.url, maxRetries: 0 }),
      mcp: {
        type: "mcp",
        server_label: "mailbox",
        server_url: mailbox.url,
        headers: { Authorization: "Bearer mailbox-token" },
        require_approval: "never",
      },
    });
  } finally {
    await openai.webhooks.idle();
    await openai.stop();
    await mailbox.stop();
    await receiver.shutdown();
  }
}

/** Polls a background response until its status is final. */
export function final(client: OpenAI, id: string): Promise<OpenAI.Responses.Response> {
  return eventually(
    `the end of response ${id}`,
    () => client.responses.retrieve(id),
    ({ status }) => status !== "queued" && status !== "in_progress",
  );
}

/** The items of an output, in short: `mcp_call:gmail_find_email`, `message`, … */
export function kinds(output: readonly OpenAI.Responses.ResponseOutputItem[]): string[] {
  return output.map((item) => item.type === "mcp_call" ? `mcp_call:${item.name}` : item.type);
}
