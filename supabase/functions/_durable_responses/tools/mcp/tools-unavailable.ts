import type { Failure, FailureCode } from "../../model/failure.ts";
import { makeFailure } from "../../platform/make-failure.ts";

/** Servers could not be asked for their tools, or have too many: the run cannot start. */
export class ToolsUnavailable extends Error {
  override readonly name = "ToolsUnavailable";
  readonly failure: Failure;

  constructor(code: FailureCode, message: string) {
    super(message);
    this.failure = makeFailure(code, message);
  }
}
