import { RequestError } from "../errors.ts";
import { type Failure, failure } from "../openai/failure.ts";
import { type Ask, type Plan, planFor } from "../profile/resolve.ts";

/** The job's plan; a profile or secret that is gone since it was accepted is a failure of the job. */
export async function planOrFailure(ask: Ask): Promise<{ plan: Plan } | { failure: Failure }> {
  try {
    return { plan: await planFor(ask) };
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    const known = error.code === "unknown_profile" || error.code === "secret_not_set";
    return { failure: failure(known ? error.code : "openai_invalid_request", error.message) };
  }
}
