/** The mailbox's part of the timeline: each tool call that reached it over the network, and each email that was sent. */
import type { Mailbox, SentEmail, ToolCall } from "../../../packages/dev/mcp/mailbox.ts";
import type { Timeline } from "../timeline/timeline.ts";

const argumentLength = 48;

export class MailboxObserver {
  #running: ToolCall[] = [];
  #seenCalls = 0;
  #seenEmails = 0;

  constructor(private readonly mailbox: Mailbox, private readonly timeline: Timeline) {}

  /** Shows what is new. */
  see(): void {
    const { toolCalls, sent } = this.mailbox;
    for (const call of toolCalls.slice(this.#seenCalls)) {
      this.#called(call);
      this.#running.push(call);
    }
    this.#seenCalls = toolCalls.length;
    this.#running = this.#running.filter((call) => call.outcome === "running" || this.#ended(call));
    for (const email of sent.slice(this.#seenEmails)) this.#sent(email);
    this.#seenEmails = sent.length;
  }

  #called({ tool, arguments: args, at }: ToolCall): void {
    this.timeline.add({
      at: Date.parse(at),
      actor: "mailbox",
      tone: "tool",
      text: `${tool} called over MCP: ${shortArguments(args)}`,
    });
  }

  /** Shows the end of a call that failed. Always false, because it is over. */
  #ended({ tool, outcome }: ToolCall): false {
    if (outcome !== "ok") {
      this.timeline.now({ actor: "mailbox", tone: "bad", text: `${tool} ${outcome}` });
    }
    return false;
  }

  #sent({ to, subject, at }: SentEmail): void {
    this.timeline.add({
      at: Date.parse(at),
      actor: "mailbox",
      tone: "good",
      text: `email sent to ${to}: ${subject}`,
    });
  }
}

function shortArguments(args: Record<string, unknown>): string {
  return Object.entries(args).map(([name, value]) => {
    const text = typeof value === "string" ? value.replace(/\s+/g, " ") : JSON.stringify(value);
    return `${name} "${text.length > argumentLength ? `${text.slice(0, argumentLength)}…` : text}"`;
  }).join(", ");
}
