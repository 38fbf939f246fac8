/** Uploads what a request has sent, before its job is accepted. */
import { reserveFiles } from "../db/files.ts";
import { sentBucket } from "../model/files.ts";
import { RequestError } from "../platform/errors.ts";
import { storage } from "./storage.ts";
import type { SentFile } from "./take-files.ts";

/** How long an upload may take, in ms. */
const uploadMs = 30_000;
/** When Storage may be tried again, in s. */
const laterS = 5;

/**
 * Uploads the files that are not there yet. Each is reserved first, so that it is removed if no job ever refers to it,
 * whatever happens in between.
 * @throws RequestError `payload_too_large`, `storage_unavailable`, `database_unavailable`
 */
export async function storeFiles(files: SentFile[]): Promise<void> {
  const missing = new Set(
    await reserveFiles(files.map(({ path, bytes }) => ({ path, bytes: bytes.length }))),
  );
  await Promise.all(files.filter(({ path }) => missing.has(path)).map(upload));
}

async function upload({ path, mime, bytes }: SentFile): Promise<void> {
  const bucket = (await storage(uploadMs)).from(sentBucket);
  // Never overwrites a file, because another job may have checked its version.
  const { error } = await bucket.upload(path, bytes, { contentType: mime, upsert: false });
  if (!error || isThere(error)) return;
  throw new RequestError(
    "storage_unavailable",
    `Cannot store a file of ${bytes.length} bytes: Storage answered ${
      error.status ?? "nothing"
    }: ${error.message}`,
    {
      hint:
        "Nothing was accepted. Send the same request again. If it happens again, check Storage's status and the bucket response_files",
      retryAfterS: laterS,
      cause: error,
    },
  );
}

/** Another request has uploaded the same file meanwhile. */
function isThere(error: { status?: number | undefined; statusCode?: string | undefined }): boolean {
  return error.status === 409 || error.statusCode === "409";
}
