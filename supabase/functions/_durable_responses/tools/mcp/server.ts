/** An MCP server that the worker calls itself. */

export interface McpServer {
  /** Its name in results, rules and the console. */
  label: string;
  url: string;
  /** With the credential. */
  headers: Readonly<Record<string, string>>;
  /** The longest silence of a call, in ms. Each progress message from the server restarts the clock. */
  timeoutMs: number;
}

/** How long a call may take in total, whatever progress its server sends, in multiples of its longest silence. */
export const longestCall = 10;

/** The call was certainly not made: the server refused it, or nothing was sent. */
export class CallRefused extends Error {
  override readonly name = "CallRefused";
  /** The HTTP status of the refusal. */
  readonly status: number | undefined;
  /** True if we refused to connect to the address. */
  readonly addressRefused: boolean;
  /** True if the server no longer knows the session. */
  readonly sessionGone: boolean;

  constructor(
    message: string,
    why: { status?: number | undefined; addressRefused?: boolean; sessionGone?: boolean } = {},
  ) {
    super(message);
    this.status = why.status;
    this.sessionGone = why.sessionGone ?? false;
    this.addressRefused = why.addressRefused ?? false;
  }
}

/** There was no answer, or none that says what happened: the call may have been made. */
export class CallUnanswered extends Error {
  override readonly name = "CallUnanswered";
}

/** The server made the call, and then rejected its own answer: it does not fit the tool's `outputSchema`. */
export class AnswerUnfit extends Error {
  override readonly name = "AnswerUnfit";
}

/**
 * What SDKs say about an answer that does not fit: servers after the handler has run, and clients, whose words gateways pass
 * on.
 */
const unfit = /output validation error|has an output schema but|invalid structured content/i;

export function saysUnfit(text: string): boolean {
  return unfit.test(text);
}

/** The server answered, so the call was made, but the answer is too large. */
export class AnswerTooLarge extends Error {
  override readonly name = "AnswerTooLarge";
}
