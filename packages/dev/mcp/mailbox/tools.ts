import { type CallToolResult, McpServer } from "../sdk.ts";
import { z } from "zod";
import type { Email } from "./emails.ts";
import type { ToolHooks, ToolName } from "./hooks.ts";
import { searchEmails } from "./search.ts";

/** An email that really left the mailbox. `at` is ISO 8601. */
export interface SentEmail {
  message_id: string;
  thread_id: string;
  in_reply_to: string;
  to: string;
  subject: string;
  body: string;
  at: string;
}

/** One call of a tool as the server saw it. `running` until its end. */
export interface ToolCall {
  tool: ToolName;
  arguments: Record<string, unknown>;
  at: string;
  outcome: "running" | "ok" | "failed" | "died";
}

/** What the tools work on: shared by all requests of one mailbox. */
export interface MailboxState {
  emails: Email[];
  sent: SentEmail[];
  toolCalls: ToolCall[];
  hooks: ToolHooks;
}

/**
 * An MCP server with the two mail tools over `state`; one per request, since it is stateless.
 * `hangUp` drops that request's connection with no answer.
 */
export function createMailboxServer(state: MailboxState, hangUp: () => void): McpServer {
  const logged = (tool: ToolName, args: Record<string, unknown>, run: () => CallToolResult) =>
    runLogged(state, hangUp, { tool, arguments: args }, run);
  const server = new McpServer({ name: "mailbox", version: "1.0.0" });
  server.registerTool("gmail_find_email", {
    title: "Find an email",
    description: "Searches the mailbox and returns the emails that fit best.",
    inputSchema: {
      query: z.string().min(1).describe(
        "words of its sender, subject or text; after in:sent, words of an email that was sent",
      ),
    },
    annotations: { readOnlyHint: true, openWorldHint: false },
  }, (args) => logged("gmail_find_email", args, () => find(state, args.query)));
  server.registerTool("gmail_reply_to_email", {
    title: "Reply to an email",
    description: "Sends a reply in the thread of an email.",
    inputSchema: {
      message_id: z.string().optional().describe("the email to reply to"),
      thread_id: z.string().optional().describe("or its thread: replies to the latest email in it"),
      body: z.string().min(1),
    },
    annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false },
  }, (args) => logged("gmail_reply_to_email", args, () => reply(state, args)));
  return server;
}

/** Runs a tool with its call logged, its delay waited and its fault, if one is due, played. */
async function runLogged(
  state: MailboxState,
  hangUp: () => void,
  { tool, arguments: args }: Pick<ToolCall, "tool" | "arguments">,
  run: () => CallToolResult,
): Promise<CallToolResult> {
  const call: ToolCall = {
    tool,
    arguments: args,
    at: new Date().toISOString(),
    outcome: "running",
  };
  state.toolCalls.push(call);
  const fault = state.hooks.takeFault(tool);
  const delayMs = state.hooks.delayOf(tool);
  if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
  const result = fault?.when === "before" ? undefined : run();
  if (fault?.when === "die") {
    call.outcome = "died";
    hangUp();
    return failure("never delivered: the connection is gone");
  }
  if (result === undefined || fault !== undefined) {
    call.outcome = "failed";
    return failure(fault?.message ?? "Gmail is unavailable (503)");
  }
  call.outcome = result.isError === true ? "failed" : "ok";
  return result;
}

/** With `in:sent` in front, as in Gmail, in what was sent: emails with the rest of the query in their text. */
function find(state: MailboxState, query: string): CallToolResult {
  const [, wanted] = /^in:sent\s+(.+)$/s.exec(query) ?? [];
  if (wanted !== undefined) {
    return success({ emails: state.sent.filter(({ body }) => body.includes(wanted)) });
  }
  return success({ emails: searchEmails(state.emails, query) });
}

function reply(
  state: MailboxState,
  args: { message_id?: string | undefined; thread_id?: string | undefined; body: string },
): CallToolResult {
  const original = state.emails.findLast((email) =>
    args.message_id === undefined
      ? email.thread_id === args.thread_id
      : email.message_id === args.message_id
  );
  if (original === undefined) {
    return failure(
      `No email with message_id ${args.message_id ?? "(none)"} or thread_id ${
        args.thread_id ?? "(none)"
      }`,
    );
  }
  const sent: SentEmail = {
    message_id: `msg-${2001 + state.sent.length}`,
    thread_id: original.thread_id,
    in_reply_to: original.message_id,
    to: original.from.address,
    subject: `Re: ${original.subject}`,
    body: args.body,
    at: new Date().toISOString(),
  };
  state.sent.push(sent);
  return success({
    status: "sent",
    message_id: sent.message_id,
    thread_id: sent.thread_id,
    to: sent.to,
    subject: sent.subject,
  });
}

function success(value: Record<string, unknown>): CallToolResult {
  return { content: [{ type: "text", text: JSON.stringify(value) }] };
}

function failure(message: string): CallToolResult {
  return { content: [{ type: "text", text: message }], isError: true };
}
