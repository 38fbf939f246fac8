/**
 * What refusals say that speak of jobs elsewhere. A caller of /v1 knows responses, their ids and OpenAI's statuses, and no other
 * endpoint than this.
 */
import { responseIdOf } from "../../model/ids.ts";
import type { RequestErrorCode } from "../../model/refusals.ts";
import type { RequestError } from "../../platform/errors.ts";

interface Told {
  message: string;
  hint: string;
}

const told: Partial<Record<RequestErrorCode, (id: string) => Told>> = {
  job_not_found: () => ({
    message: "There is no such response, or it is somebody else's",
    hint: "Check the id. Finished responses are deleted after response_settings.retention_days",
  }),
  job_deleted: (id) => ({
    message: `Cannot repeat this request: its response ${id} has ended and was deleted`,
    hint:
      "Nothing was accepted, because it could do the same a second time. To ask the same again on purpose, send it with a new Idempotency-Key",
  }),
  too_many_jobs: () => ({
    message: "Cannot accept another response for this user: too many are unfinished",
    hint:
      "Wait for some to finish, or cancel some. The limit is response_settings.max_unfinished_per_user",
  }),
  acceptance_unknown: (id) => ({
    message:
      `Cannot tell whether the request was accepted: the database did not answer. If it was accepted, it is response ${id}`,
    hint:
      `Retrieve ${id} before you send the request again. With an Idempotency-Key header, you can always send it again`,
  }),
};

/** The message and the hint of a refusal, in the words of /v1. */
export function inResponseWords(error: RequestError): Told {
  return told[error.code]?.(error.jobId === undefined ? "" : responseIdOf(error.jobId)) ?? error;
}
