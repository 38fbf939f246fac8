import type { Failure } from "../model/failure.ts";
import { RequestError } from "../platform/errors.ts";
import { failure } from "../platform/failures.ts";
import type { Profiles } from "./profile.ts";
import { type Ask, type Plan, planFor } from "./resolve.ts";

/** The job's plan; a profile or secret that is gone since it was accepted is a failure of the job. */
export async function planOrFailure(
  profiles: Profiles,
  ask: Ask,
): Promise<{ plan: Plan } | { failure: Failure }> {
  try {
    return { plan: await planFor(profiles, ask) };
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    const known = error.code === "unknown_profile" || error.code === "secret_not_set" ||
      error.code === "stored_prompt";
    return { failure: failure(known ? error.code : "openai_invalid_request", error.message) };
  }
}
