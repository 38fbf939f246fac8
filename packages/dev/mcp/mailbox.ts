import { WebStandardStreamableHTTPServerTransport } from "./sdk.ts";
import { Hono } from "hono";
import { bearerAuth } from "hono/bearer-auth";
import { hangUp, type HttpBindings, listen } from "./listen.ts";
import { type Email, seedEmails } from "./mailbox/emails.ts";
import { type ToolFault, ToolHooks, type ToolName } from "./mailbox/hooks.ts";
import {
  createMailboxServer,
  type MailboxState,
  type SentEmail,
  type ToolCall,
} from "./mailbox/tools.ts";

export { findEmail, invoicePlan, replyToEmail } from "./mailbox/plans.ts";
export type { Email, SentEmail, ToolCall, ToolFault, ToolName };

/** A running mailbox MCP server. */
export interface Mailbox {
  /** The MCP endpoint, http://127.0.0.1:<port>/mcp (streamable HTTP, stateless). */
  url: string;
  emails: Email[];
  /** Every email sent, in order: the count that must never be two where one was asked for. */
  sent: SentEmail[];
  toolCalls: ToolCall[];
  /** Every later call of `tool` takes `ms` longer, before its side effect. 0 takes it back. */
  setDelay(tool: ToolName, ms: number): void;
  /** Plans a fault for the next call(s) of a tool. */
  fail(fault: ToolFault): void;
  /** Back to the seeded emails, nothing sent, no delay, no fault. */
  reset(): void;
  stop(): Promise<void>;
}

/**
 * Starts the mailbox: tools `gmail_find_email` and `gmail_reply_to_email` for bearers of `token`.
 * `port` 0 or none takes a free one.
 *
 * @throws Error when the port is taken
 */
export async function startMailbox(
  options: { token: string; port?: number },
): Promise<Mailbox> {
  const hooks = new ToolHooks();
  const state: MailboxState = { emails: [...seedEmails], sent: [], toolCalls: [], hooks };
  const app = new Hono<{ Bindings: HttpBindings }>();
  app.use("/mcp", bearerAuth({ token: options.token }));
  // Stateless: there is no stream of server messages to open with GET and no session to DELETE.
  app.post("/mcp", async (context) => {
    const transport = new WebStandardStreamableHTTPServerTransport({ enableJsonResponse: true });
    const server = createMailboxServer(state, () => hangUp(context.env));
    await server.connect(transport);
    return await transport.handleRequest(context.req.raw);
  });
  app.all("/mcp", (context) => context.text("Method not allowed", 405, { allow: "POST" }));
  const listening = await listen(app.fetch, options.port ?? 0);
  return {
    url: `http://127.0.0.1:${listening.port}/mcp`,
    emails: state.emails,
    sent: state.sent,
    toolCalls: state.toolCalls,
    setDelay: (tool, ms) => hooks.setDelay(tool, ms),
    fail: (fault) => hooks.fail(fault),
    reset() {
      hooks.clear();
      state.emails.splice(0, state.emails.length, ...seedEmails);
      state.sent.length = 0;
      state.toolCalls.length = 0;
    },
    stop: () => listening.stop(),
  };
}
