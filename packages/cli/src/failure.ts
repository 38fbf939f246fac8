/** The message of a command that cannot continue: one sentence, and what to do about it. */

/** Exit codes: 1 for what is wrong in the project or on the way to it, 2 for how the command was called, 130 for Ctrl-C. */
export type ExitCode = 1 | 2 | 130;

/** Ends the command: its message and hint are printed, without a stack trace. Any other error is our fault. */
export class Failure extends Error {
  override readonly name = "Failure";
  readonly hint: string | undefined;
  readonly exitCode: ExitCode;

  constructor(
    message: string,
    options: { hint?: string; exitCode?: ExitCode; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.hint = options.hint;
    this.exitCode = options.exitCode ?? 1;
  }
}

/** `code` of a Node error (`ENOENT`, `EACCES` …); undefined for anything else. */
export function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}
