/** A failed call as the console shows it: a code, what failed, and what to do. */
import { z } from "zod";
import { DurableResponsesError } from "../../../client/src/index.ts";

interface FailureOptions {
  status?: number;
  hint?: string | undefined;
  requestId?: string | undefined;
  cause?: unknown;
}

export class Failure extends Error {
  override readonly name = "Failure";
  readonly code: string;
  /** HTTP status; 0 if no answer came. */
  readonly status: number;
  readonly hint: string | undefined;
  /** For support requests. */
  readonly requestId: string | undefined;

  constructor(
    code: string,
    message: string,
    options: FailureOptions = {},
  ) {
    super(message, { cause: options.cause });
    this.code = code;
    this.status = options.status ?? 0;
    this.hint = options.hint;
    this.requestId = options.requestId;
  }

  /** True if another try may help and can do no harm. */
  get passing(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

const functionRefusal = z.object({
  error: z.object({ code: z.string(), message: z.string(), hint: z.string().optional() }),
});
const dataApiRefusal = z.object({
  code: z.string().nullish(),
  message: z.string(),
  hint: z.string().nullish(),
});

/** The error in the body of an answer, in the format of an Edge Function, PostgREST or a gateway. */
export function readRefusal(status: number, body: unknown): Failure {
  const refusal = functionRefusal.safeParse(body);
  if (refusal.success) {
    const { code, message, hint } = refusal.data.error;
    return new Failure(code, message, { status, hint });
  }
  const data = dataApiRefusal.safeParse(body);
  if (data.success) {
    const code = data.data.code || `http_${status}`;
    return new Failure(code, data.data.message, {
      status,
      hint: data.data.hint ?? hintFor(status),
    });
  }
  return new Failure(`http_${status}`, `Cannot read the answer: the server said HTTP ${status}`, {
    status,
    hint: hintFor(status),
  });
}

/** Turns anything that was thrown into a Failure. An unexpected error keeps its message. */
export function toFailure(error: unknown): Failure {
  if (error instanceof Failure) return error;
  if (error instanceof DurableResponsesError) {
    const { code, message, hint, requestId, status = 0 } = error;
    return new Failure(code, message, { status, hint, requestId, cause: error });
  }
  if (error instanceof z.ZodError) {
    const message = `Cannot read what the project sent: ${z.prettifyError(error)}`;
    return new Failure("unexpected_answer", message, {
      hint: "The project's migrations and this console may have different versions",
      cause: error,
    });
  }
  if (error instanceof TypeError) return unreachable(error);
  const message = error instanceof Error ? error.message : String(error);
  return new Failure("unexpected", message, { cause: error });
}

/** No answer came: the browser does not say why. */
export function unreachable(cause?: unknown): Failure {
  return new Failure("unreachable", "Cannot reach the project: no answer came", {
    hint: "Check the network and the project's URL. A paused project does not answer",
    cause,
  });
}

function hintFor(status: number): string | undefined {
  if (status === 401) {
    return "Sign in again. Hosted projects refuse secret keys from a browser: sign in as a user";
  }
  if (status === 404) return "Check the project's URL, and that its functions are deployed";
  return undefined;
}
