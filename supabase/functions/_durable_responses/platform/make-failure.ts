import { type Failure, type FailureCode, type FailureDetails, failures } from "../model/failure.ts";
import { redact } from "./redact.ts";

/**
 * Makes a failure with a code of the catalog. Text from outside may contain a credential, and a failure is stored and
 * shown, so message and type are masked.
 */
export function makeFailure(
  code: FailureCode,
  message: string,
  details: FailureDetails = {},
): Failure {
  return {
    ...failures[code],
    code,
    message: redact(message),
    ...details,
    ...(details.type === undefined ? {} : { type: redact(details.type) }),
  };
}
