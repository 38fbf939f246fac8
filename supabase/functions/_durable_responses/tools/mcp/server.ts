/** A server of tools that the worker talks to itself. */

export interface McpServer {
  /** What it is called in results, rules and the console. */
  label: string;
  url: string;
  /** With the credential. */
  headers: Readonly<Record<string, string>>;
  /** The longest silence of a call, ms: each progress that the server tells begins it anew. */
  timeoutMs: number;
}

/** How long a call may go on, however much progress its server tells, in its longest silences. */
export const longestCall = 10;

/** The call was certainly not made: the server said no, or nothing was sent. */
export class CallRefused extends Error {
  override readonly name = "CallRefused";
  /** The HTTP status with which the server said no. */
  readonly status: number | undefined;
  /** True when it was us who said no, to the address. */
  readonly addressRefused: boolean;

  constructor(
    message: string,
    why: { status?: number | undefined; addressRefused?: boolean } = {},
  ) {
    super(message);
    this.status = why.status;
    this.addressRefused = why.addressRefused ?? false;
  }
}

/** No answer came, or none that tells: what was asked for may have been done. */
export class CallUnanswered extends Error {
  override readonly name = "CallUnanswered";
}

/** The server made the call, and then refused its own answer: it does not fit the tool's `outputSchema`. */
export class AnswerUnfit extends Error {
  override readonly name = "AnswerUnfit";
}

/** What SDKs say of an answer that does not fit: servers after the handler has run, and clients, whose words gateways pass on. */
const unfit = /output validation error|has an output schema but|invalid structured content/i;

export function saysUnfit(text: string): boolean {
  return unfit.test(text);
}

/** The server answered, so the call was made, but with more than can be taken. */
export class AnswerTooLarge extends Error {
  override readonly name = "AnswerTooLarge";
}
