import { refersToFiles } from "../model/files.ts";
import type { RequestBody } from "../model/request.ts";
import { describe } from "../platform/log.ts";
import { NotSent } from "../platform/not-sent.ts";

/** How much longer than its request an address is valid, ms. */
const marginMs = 60_000;

/**
 * A request as OpenAI takes it: files in Storage are addresses that are valid for as long as the request may take, and are
 * stored nowhere. Only a request that has such files loads what makes them.
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
    // Whatever it is, OpenAI has not been asked.
    const why = `Cannot get addresses of the job's files: ${describe(cause)}`;
    throw new NotSent("storage_unavailable", why, { cause });
  }
}
