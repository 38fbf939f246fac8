import { type Failure, type FailureCode, type FailureDetails, failures } from "../model/failure.ts";
import { redact } from "./redact.ts";

/**
 * Makes a failure of a code of the catalogue. What comes from outside may hold a credential, and a failure is stored and shown:
 * message and type are masked.
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
