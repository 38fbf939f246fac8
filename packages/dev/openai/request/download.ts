/** Downloads images and files that a request names by URL, as OpenAI does before a model sees them. */
import { createHash } from "node:crypto";
import { z } from "zod";
import { ApiError } from "../errors.ts";
import type { Download } from "../types.ts";
import type { ParsedRequest } from "./parse.ts";

/** What OpenAI takes of one request: 50 MB. */
const maxBytes = 50 * 1024 * 1024;

const httpUrl = z.url({ protocol: /^https?$/ });
const part = z.union([
  z.object({ type: z.literal("input_image"), image_url: httpUrl })
    .transform(({ image_url: url }) => ({ url, isImage: true })),
  z.object({ type: z.literal("computer_screenshot"), image_url: httpUrl })
    .transform(({ image_url: url }) => ({ url, isImage: true })),
  z.object({ type: z.literal("input_file"), file_url: httpUrl })
    .transform(({ file_url: url }) => ({ url, isImage: false })),
]);
type Reference = z.infer<typeof part>;

/** A download that failed: a 400, and in a response that had been accepted, `responseCode`. */
export class DownloadFailed extends ApiError {
  readonly responseCode: string;

  constructor({ isImage }: Reference, message: string) {
    super(400, { message, param: "url", code: isImage ? "invalid_image_url" : "invalid_value" });
    this.responseCode = isImage ? "failed_to_download_image" : "server_error";
  }
}

/** One after the other, as they arrive. Throws DownloadFailed at the first that cannot be had. */
export async function* downloadInput(
  request: ParsedRequest,
  { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal },
): AsyncGenerator<Download> {
  let left = maxBytes;
  for (const reference of referencesIn(request)) {
    const tooLate = new AbortController();
    const timer = setTimeout(() => tooLate.abort(), timeoutMs);
    try {
      const arrived = await fetchOne(reference, left, AbortSignal.any([signal, tooLate.signal]));
      left -= arrived.size;
      yield arrived;
    } catch (error) {
      if (error instanceof DownloadFailed || signal.aborted) throw error;
      const { url } = reference;
      if (tooLate.signal.aborted) {
        throw new DownloadFailed(reference, `Timeout while downloading ${url}.`);
      }
      if (!(error instanceof TypeError)) throw error;
      throw new DownloadFailed(reference, `Error while downloading ${url}.`);
    } finally {
      clearTimeout(timer);
    }
  }
}

function referencesIn({ input }: ParsedRequest): Reference[] {
  if (input === undefined || typeof input === "string") return [];
  const parts = input.flatMap((item): unknown[] => {
    if (item.type === "message" && Array.isArray(item.content)) return item.content;
    if (item.type === "function_call_output" && Array.isArray(item.output)) return item.output;
    if (item.type === "computer_call_output") return [item.output];
    return [];
  });
  return parts.flatMap((each) => part.safeParse(each).data ?? []);
}

async function fetchOne(
  reference: Reference,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Download> {
  const { url, isImage } = reference;
  const response = await fetch(url, { signal });
  if (!response.ok) {
    await response.body?.cancel();
    const what = isImage ? url : "file";
    throw new DownloadFailed(
      reference,
      `Error while downloading ${what}. Upstream status code: ${response.status}.`,
    );
  }
  const hash = createHash("sha256");
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > maxBytes) {
      throw new DownloadFailed(
        reference,
        `Failed to download ${isImage ? "image" : "file"} from ${url}. ` +
          "Its size may exceed the limit or it could be corrupted.",
      );
    }
    hash.update(chunk);
  }
  return { url, type: response.headers.get("content-type"), size, sha256: hash.digest("hex") };
}
