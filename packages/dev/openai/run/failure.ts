import type { ApiError } from "../errors.ts";

/**
 * Ends a run as failed. A foreground request that is not streamed is answered with `http`, if given;
 * else the failure is told inside the response.
 */
export class RunFailure extends Error {
  readonly code: string;
  readonly http: ApiError | undefined;

  constructor(code: string, message: string, http?: ApiError) {
    super(message);
    this.code = code;
    this.http = http;
  }

  /** The failure that an HTTP refusal is, once headers have gone out. */
  static of(error: ApiError): RunFailure {
    return new RunFailure(error.body.code ?? "server_error", error.message, error);
  }
}
