/** Answers with a 2xx that are not a response. */
import type { ReportedError } from "../model/reported-error.ts";
import { redact } from "../platform/redact.ts";

/** An error with a 2xx: some gateways have no other status. Its headers may say how long to wait, as those of any refusal. */
export class ErrorAnswer extends Error {
  override readonly name = "ErrorAnswer";

  constructor(readonly told: ReportedError, readonly headers: Headers) {
    super(told.message);
  }
}

/** An answer with a 2xx (or a 3xx) that is not a response: neither an answer nor a refusal. */
export class UnreadableAnswer extends Error {
  override readonly name = "UnreadableAnswer";

  constructor(what: string, readonly requestId: string | null = null, cause?: unknown) {
    super(what, { cause });
  }
}

/** Longest answer, or event of a stream, in characters. More would fill the worker's memory, and can hardly be stored. */
export const maxAnswerChars = 16_000_000;
/** How many characters of an answer that is too long are counted, to report its length. */
export const maxCountedChars = 256_000_000;

/** An answer that is too long to keep in memory, let alone store. */
export class AnswerTooLarge extends SyntaxError {
  override readonly name = "AnswerTooLarge";

  /** @param size its minimum length, in characters */
  constructor(readonly size: number, readonly limit: number) {
    super(`it has ${size} characters, and at most ${limit} can be read`);
  }
}

/** How much of an answer is kept for a message, in bytes: more than is shown, so that a secret in it is masked whole. */
const keptBytes = 4_096;

/** The beginning of an answer that comes in pieces. */
export class Beginning {
  readonly #decoder = new TextDecoder();
  #kept = "";
  #left = keptBytes;

  add(piece: Uint8Array): void {
    if (this.#left <= 0) return;
    this.#kept += this.#decoder.decode(piece.subarray(0, this.#left), { stream: true });
    this.#left -= piece.length;
  }

  /** Masked and cut. */
  get text(): string {
    return beginningOf(this.#kept);
  }
}

/** The beginning of an answer, for a message. */
export function beginningOf(text: string): string {
  const line = redact(text.slice(0, keptBytes)).replace(/\s+/g, " ").trim();
  return line === ""
    ? "an empty body"
    : `'${line.slice(0, 80).toWellFormed()}${line.length > 80 ? "…" : ""}'`;
}
