import type { Failure } from "../model/failure.ts";
import { refersToFiles } from "../model/files.ts";
import type { RequestBody } from "../model/request.ts";
import { describe } from "../platform/log.ts";
import { NotSent } from "../platform/not-sent.ts";

/** How much longer than its request an address is valid, in ms. */
const marginMs = 60_000;

/**
 * A request in the form that OpenAI takes: with addresses of files in Storage. They are valid for as long as the request may
 * take, and stored nowhere. The code for this is loaded only if there are such files.
 * @param longestMs how long the request may take
 * @throws NotSent `file_changed`, `storage_unavailable`
 */
export async function sendable(
  body: RequestBody,
  jobId: string,
  longestMs: number,
): Promise<RequestBody> {
  if (!refersToFiles(body.input)) return body;
  try {
    const { withSignedFiles } = await import("./signed-files.ts");
    return await withSignedFiles(body, jobId, longestMs + marginMs);
  } catch (cause) {
    if (cause instanceof NotSent) throw cause;
    // Whatever failed, the request was not sent to OpenAI.
    const why = `Cannot get addresses of the job's files: ${describe(cause)}`;
    throw new NotSent("storage_unavailable", why, { cause });
  }
}

/** The same, or why the request cannot be sent. */
export async function sendableOrWhyNot(
  body: RequestBody,
  jobId: string,
  longestMs: number,
): Promise<{ body: RequestBody } | { failure: Failure }> {
  try {
    return { body: await sendable(body, jobId, longestMs) };
  } catch (error) {
    if (!(error instanceof NotSent)) throw error;
    return { failure: error.failure };
  }
}
