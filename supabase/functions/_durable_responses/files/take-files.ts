/** Checks files that are sent as data, and replaces those that are too large for a row with references to Storage. */
import {
  dataField,
  dataOf,
  type FilePart,
  filePartsOf,
  mapFileParts,
  refersToStorage,
  sentBucket,
  storedFileSchema,
  urlField,
} from "../model/files.ts";
import { seen } from "../model/flaw.ts";
import * as z from "../model/zod.ts";
import { environment } from "../platform/environment.ts";
import { hex } from "../platform/digest.ts";
import { RequestError } from "../platform/errors.ts";
import { type Content, contentOf } from "./data-url.ts";
import { flawOfAddress } from "./file-address.ts";

/** A file that must be uploaded before the job that refers to it is accepted. */
export interface SentFile {
  path: string;
  mime: string;
  bytes: Uint8Array<ArrayBuffer>;
}

/** A request as it was sent. */
export interface Sent {
  input: Record<string, unknown>[];
  /** The body's text. */
  text: string;
  /** The body's length, in bytes. */
  bytes: number;
}

/**
 * A larger one in the output of a call is always put into Storage: each further request of the run contains all of them, and
 * they must fit (continuation.ts, rounds.ts).
 */
const maxOutputBytes = 10_000;
/** The fields that can have the content. */
const imageSources = ["image_url", "file_id", "storage"];
const fileSources = ["file_data", "file_url", "file_id", "storage"];

/**
 * Takes the largest files out of a request, until the rest fits a row.
 * @param owner their owner; null for a server that acts for nobody
 * @param isServer whether they come from a server
 * @param roomBytes how large a request may be without them
 * @returns the files to upload; the input with references in their place, and the text with digests
 * @throws RequestError `invalid_request`, `payload_too_large`
 */
export async function takeFiles(
  { input, text, bytes }: Sent,
  { owner, isServer }: { owner: string | null; isServer: boolean },
  roomBytes: number,
): Promise<{ input: Record<string, unknown>[]; text: string; files: SentFile[] }> {
  const contents = new Map<FilePart, Content>();
  const outputs = new Set<FilePart>();
  for (const { part, where } of filePartsOf(input)) {
    const content = check(part, where, isServer);
    if (content) contents.set(part, content);
    if (!where.includes("].content[")) outputs.add(part);
  }
  const largestFirst = [...contents].sort(([, a], [, b]) => b.bytes.length - a.bytes.length);
  const files = new Map<FilePart, SentFile>();
  let left = { text, bytes };
  for (const [part, content] of largestFirst) {
    if (left.bytes <= roomBytes && !(outputs.has(part) && content.bytes.length > maxOutputBytes)) {
      continue;
    }
    const data = dataOf(part) ?? "";
    const digest = hex(await crypto.subtle.digest("SHA-256", content.bytes));
    const path = `${owner?.toLowerCase() ?? "server"}/${digest}.${content.extension}`;
    files.set(part, { path, mime: content.mime, bytes: content.bytes });
    left = withoutData(left, data, `sha256:${path}`);
  }
  if (left.bytes > roomBytes) {
    throw new RequestError(
      "payload_too_large",
      `Cannot accept the body: beside its images and files it may have at most ${roomBytes} bytes, but has ${left.bytes}`,
      { hint: "Put large content into Storage, and refer to it" },
    );
  }
  return {
    input: mapFileParts(input, (part) => {
      const file = files.get(part);
      return file ? reference(part, file) : part;
    }),
    text: left.text,
    files: [...new Map([...files.values()].map((file) => [file.path, file])).values()],
  };
}

/** The rest identifies a repeat, so a digest stands for the content. */
function withoutData(
  { text, bytes }: { text: string; bytes: number },
  data: string,
  digest: string,
): { text: string; bytes: number } {
  const plain = JSON.stringify(data);
  // PHP escapes slashes. With any other spelling, the text stays as it is, which only costs time.
  const spelled = [plain, plain.replaceAll("/", "\\/")].find((each) => text.includes(each));
  if (spelled === undefined) return { text, bytes: bytes - data.length };
  const shorter = text.replace(spelled, () => JSON.stringify(digest));
  return { text: shorter, bytes: bytes - (text.length - shorter.length) };
}

function reference(part: FilePart, { path }: SentFile): Record<string, unknown> {
  const { [dataField[part.type]]: _data, ...rest } = part;
  return { ...rest, storage: { bucket: sentBucket, path } };
}

/** @returns the content of a part that is sent as data */
function check(part: FilePart, where: string, isServer: boolean): Content | undefined {
  const sources = part.type === "input_file" ? fileSources : imageSources;
  const given = sources.filter((field) => part[field] !== undefined && part[field] !== null);
  const [source] = given;
  if (source === undefined) {
    throw refused(where, `it must have one of ${sources.join(", ")}, but has none`);
  }
  if (refersToStorage(part)) {
    const { success } = z.safeParse(storedFileSchema, part["storage"]);
    if (!success) throw refused(`${where}.storage`, "it must be {bucket, path}");
    if (given.length > 1) throw refused(where, `it has both ${given.join(" and ")}`);
    return undefined;
  }
  for (const field of given) {
    const value = part[field];
    if (typeof value !== "string") {
      throw refused(`${where}.${field}`, `it must be a string, but is ${seen(value)}`);
    }
    if (value === "") throw refused(`${where}.${field}`, "it must not be empty");
  }
  const data = dataField[part.type];
  if (dataOf(part) !== undefined) {
    const content = contentOf(part);
    if ("flaw" in content) throw refused(`${where}.${data}`, content.flaw);
    return content;
  }
  const field = urlField[part.type];
  const address = part[field];
  const flaw = typeof address === "string"
    ? flawOfAddress(address, isServer ? environment().openaiBaseUrl : undefined)
    : undefined;
  if (flaw !== undefined) throw refused(`${where}.${field}`, flaw);
  return undefined;
}

function refused(where: string, flaw: string): RequestError {
  return new RequestError("invalid_request", `Cannot accept '${where}': ${flaw}`, {
    param: where,
    hint:
      "An image is {type: 'input_image', image_url: 'data:image/png;base64,…'}, has an address that OpenAI can reach, or refers to Storage: {type: 'input_image', storage: {bucket, path}}. A file is an input_file with file_data, or with storage",
  });
}
