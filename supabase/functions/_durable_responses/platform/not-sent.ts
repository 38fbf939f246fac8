import type { Failure, FailureCode } from "../model/failure.ts";
import { makeFailure } from "./make-failure.ts";

/** A request could not be made ready, so nothing was sent: whatever it would have done has not happened. */
export class NotSent extends Error {
  override readonly name: string = "NotSent";
  readonly failure: Failure;

  constructor(code: FailureCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.failure = makeFailure(code, message);
  }
}
