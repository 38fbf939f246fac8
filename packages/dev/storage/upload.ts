/** What an upload brings, however it is sent: as the body itself, or in a form. */
import { Buffer } from "node:buffer";
import { z } from "zod";
import { failures } from "./failure.ts";
import { checkType, maxBytes } from "./limits.ts";
import { type UserMetadata, userMetadata } from "./rows.ts";

export interface Upload {
  bytes: Uint8Array;
  type: string;
  cacheControl: string;
  /** What the uploader says of it. */
  userMetadata: UserMetadata | undefined;
}

export interface Rules {
  file_size_limit: number | null;
  allowed_mime_types: string[] | null;
}

/** What a form has around its file: names, boundaries, metadata. */
const formBytes = 2 ** 21;

/** Reads an upload. Throws StorageFailure when the bucket's rules do not allow it. */
export async function readUpload(request: Request, rules: Rules): Promise<Upload> {
  const limit = Math.min(rules.file_size_limit ?? maxBytes, maxBytes);
  const type = request.headers.get("content-type") ?? "application/octet-stream";
  const isForm = type.startsWith("multipart/form-data");
  const body = await readBody(request, isForm ? limit + formBytes : limit);
  const upload = isForm ? await fromForm(body, type) : fromBody(body, type, request.headers);
  checkType(upload.type, rules.allowed_mime_types);
  if (upload.bytes.length > limit) throw failures.entityTooLarge();
  return upload;
}

/** All of a body; what is above the limit is read and dropped, since who still sends hears no answer. */
async function readBody(request: Request, limit: number): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  for await (const chunk of request.body ?? []) {
    length += chunk.length;
    if (length <= limit) chunks.push(chunk);
  }
  if (length > limit) throw failures.entityTooLarge();
  return await new Blob(chunks).bytes();
}

function fromBody(bytes: Uint8Array, type: string, headers: Headers): Upload {
  return {
    bytes,
    type,
    cacheControl: headers.get("cache-control") ?? "no-cache",
    userMetadata: metadataIn(decoded(headers.get("x-metadata"))),
  };
}

async function fromForm(body: Uint8Array<ArrayBuffer>, type: string): Promise<Upload> {
  const form = await readForm(body, type);
  const file = [...form.values()].find((value) => value instanceof File);
  if (file === undefined) throw failures.invalidRequest("No content provided");
  const text = (name: string) => z.string().optional().parse(form.get(name) ?? undefined);
  const seconds = text("cacheControl");
  return {
    bytes: await file.bytes(),
    type: text("contentType") ?? (file.type || "application/octet-stream"),
    cacheControl: seconds ? `max-age=${seconds}` : "no-cache",
    userMetadata: metadataIn(text("metadata") ?? text("userMetadata")),
  };
}

async function readForm(body: Uint8Array<ArrayBuffer>, type: string): Promise<FormData> {
  try {
    const named = withNames(body, type);
    return await new Response(named, { headers: { "content-type": type } }).formData();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw failures.invalidRequest(error.message);
  }
}

/** supabase-js sends the file as a field without a name, and Deno passes over those. */
function withNames(body: Uint8Array<ArrayBuffer>, type: string): Uint8Array<ArrayBuffer> {
  const [, boundary] = /boundary="?([^";]+)/i.exec(type) ?? [];
  if (boundary === undefined) return body;
  // One character for each byte. What stands after a boundary is a part's head, never its content.
  const text = Buffer.from(body).toString("latin1");
  const head = `--${RegExp.escape(boundary)}\r\ncontent-disposition: form-data; name=`;
  return new Uint8Array(
    Buffer.from(text.replace(new RegExp(`(${head})""`, "gi"), '$1"file"'), "latin1"),
  );
}

function decoded(header: string | null): string | undefined {
  if (header === null) return undefined;
  try {
    return new TextDecoder().decode(Uint8Array.fromBase64(header));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** As on the platform, what cannot be read as metadata is left out. */
function metadataIn(text: string | undefined): UserMetadata | undefined {
  if (text === undefined) return undefined;
  try {
    return userMetadata.safeParse(JSON.parse(text)).data;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
