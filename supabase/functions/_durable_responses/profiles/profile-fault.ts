import { RequestError } from "../platform/errors.ts";
import * as z from "../model/zod.ts";
import { pathOf } from "./check/finding.ts";

const hint =
  "Fix the profile as the message says, then deploy. `npx durable-responses check` finds it before a request does";

/**
 * What went wrong with a profile when a request was made of it, as a refusal that says so: neither the caller's fault nor an
 * accident. What is a refusal already, or is about what was asked, stays as it is.
 */
export function profileFault(profile: string, error: unknown): unknown {
  if (error instanceof RequestError) return error;
  const issue = error instanceof z.$ZodError ? error.issues[0] : undefined;
  if (issue?.path[0] === "input") return error;
  const why = issue === undefined
    ? (error instanceof Error ? error.message : String(error)).split("\n")[0]
    : `'${pathOf(issue.path)}' is invalid: ${issue.message}`;
  return new RequestError("invalid_profile", `Cannot use profile '${profile}': ${why}`, {
    hint,
    cause: error,
  });
}
