import { RequestError } from "../platform/errors.ts";
import { messageOf } from "../platform/log.ts";
import * as z from "../model/zod.ts";
import { pathOf } from "./check/finding.ts";

export const profileFaultHint =
  "Fix the profile as the message says, and deploy it (dev reloads it by itself). `npx durable-responses check` finds it before a request does";

/**
 * Turns an error from making a profile's request into a refusal that names the profile: it is neither the caller's fault nor
 * an internal error. An error that is already a refusal, or is about the query, stays as it is.
 */
export function profileFault(profile: string, error: unknown): unknown {
  if (error instanceof RequestError) return error;
  const issue = error instanceof z.$ZodError ? error.issues[0] : undefined;
  if (issue?.path[0] === "input") return error;
  const why = issue === undefined
    ? messageOf(error).split("\n")[0]
    : `'${pathOf(issue.path)}' is invalid: ${issue.message}`;
  return new RequestError("invalid_profile", `Cannot use profile '${profile}': ${why}`, {
    hint: profileFaultHint,
    cause: error,
  });
}
