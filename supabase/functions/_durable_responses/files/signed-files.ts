/** Addresses of a job's files, for one request. */
import { filesOf } from "../db/files.ts";
import {
  type FilePart,
  mapFileParts,
  refersToStorage,
  type StoredFile,
  storedFileSchema,
  urlField,
} from "../model/files.ts";
import type { RequestBody } from "../model/request.ts";
import * as z from "../model/zod.ts";
import { environment } from "../platform/environment.ts";
import { NotSent } from "../platform/not-sent.ts";
import { storage } from "./storage.ts";

/** How long Storage may take to sign the addresses of a request, in ms. */
const signingMs = 10_000;

/**
 * The request with an address in place of each reference to Storage. Each file is checked first: only the version that was
 * there when the job was accepted is sent.
 * @param validMs how long the addresses are valid
 * @throws NotSent `file_changed` for a file that is gone or has changed; `storage_unavailable`
 */
export async function withSignedFiles(
  body: RequestBody,
  jobId: string,
  validMs: number,
): Promise<RequestBody> {
  const files = await checkedFiles(jobId);
  const byBucket = Map.groupBy(files, ({ bucket }) => bucket);
  const signed = new Map<string, string>();
  await Promise.all([...byBucket].map(async ([bucket, there]) => {
    const urls = await sign(bucket, there.map(({ path }) => path), Math.ceil(validMs / 1000));
    for (const [path, url] of urls) signed.set(keyOf({ bucket, path }), url);
  }));
  const withUrl = (part: FilePart) => refersToStorage(part) ? addressed(part, signed) : part;
  return Array.isArray(body.input) ? { ...body, input: mapFileParts(body.input, withUrl) } : body;
}

async function checkedFiles(jobId: string): Promise<StoredFile[]> {
  const files = await filesOf(jobId);
  const changed = files.find(({ current }) => !current);
  if (changed) throw gone(changed);
  return files;
}

async function sign(bucket: string, paths: string[], validS: number): Promise<[string, string][]> {
  const { data, error } = await (await storage(signingMs)).from(bucket).createSignedUrls(
    paths,
    validS,
  );
  if (error) {
    throw new NotSent(
      "storage_unavailable",
      `Cannot get addresses of the job's files: Storage answered ${
        error.status ?? "nothing"
      }: ${error.message}`,
      { cause: error },
    );
  }
  return data.map(({ path, signedUrl }, index) => {
    const asked = paths[index] ?? "";
    if (!signedUrl) throw gone({ bucket, path: path ?? asked });
    return [asked, publicAddress(signedUrl)];
  });
}

/** The address at which OpenAI can reach it: a function may know the project only by an internal name. */
function publicAddress(url: string): string {
  const { supabaseUrl, publicUrl } = environment();
  return url.startsWith(supabaseUrl) ? `${publicUrl}${url.slice(supabaseUrl.length)}` : url;
}

function addressed(part: FilePart, signed: ReadonlyMap<string, string>): Record<string, unknown> {
  const { storage: reference, filename, ...rest } = part;
  const file = z.safeParse(storedFileSchema, reference);
  const url = file.success ? signed.get(keyOf(file.data)) : undefined;
  if (url === undefined) throw gone(file.data ?? { bucket: "?", path: "?" });
  // OpenAI takes a filename only with data. Storage sends the name with the content.
  const named = typeof filename === "string"
    ? `${url}&download=${encodeURIComponent(filename)}`
    : url;
  return { ...rest, [urlField[part.type]]: named };
}

function gone({ bucket, path }: StoredFile): NotSent {
  return new NotSent(
    "file_changed",
    `Cannot send the file '${bucket}/${path}': it is gone, or not the version that was there when the job was accepted`,
  );
}

function keyOf({ bucket, path }: StoredFile): string {
  return `${bucket}/${path}`;
}
