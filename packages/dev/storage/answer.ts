/** Objects as they are sent. */
import type { Content } from "./objects.ts";
import type { ObjectRow } from "./rows.ts";

/** The bytes and what is known of them. `expires`: when the URL does that gave access, in seconds since 1970. */
export function contentAnswer(
  { row: { metadata, updated_at }, bytes }: Content,
  { download, expires }: { download: string | undefined; expires?: number },
): Response {
  const type = metadata?.mimetype ?? "application/octet-stream";
  const headers = new Headers({
    // What a user uploaded must not run as a page of this origin.
    "content-type": /text\/html/i.test(type) ? "text/plain" : type,
    "content-length": String(bytes.length),
    "last-modified": new Date(metadata?.lastModified ?? updated_at).toUTCString(),
    "x-content-type-options": "nosniff",
  });
  if (metadata?.eTag !== undefined) headers.set("etag", metadata.eTag);
  if (expires !== undefined) headers.set("expires", new Date(expires * 1000).toUTCString());
  else headers.set("cache-control", metadata?.cacheControl ?? "no-cache");
  if (download !== undefined) headers.set("content-disposition", attachment(download));
  return new Response(bytes, { headers });
}

function attachment(name: string): string {
  if (name === "") return "attachment;";
  const encoded = encodeURIComponent(name);
  return `attachment; filename=${encoded}; filename*=UTF-8''${encoded};`;
}

/** What `info` tells. */
export function infoAnswer({ id, name, version, bucket_id, created_at, ...row }: ObjectRow) {
  const { metadata, user_metadata, updated_at } = row;
  return {
    id,
    name,
    version,
    bucket_id,
    size: metadata?.size ?? null,
    content_type: metadata?.mimetype ?? null,
    cache_control: metadata?.cacheControl ?? null,
    etag: metadata?.eTag ?? null,
    metadata: user_metadata,
    last_modified: metadata?.lastModified ?? updated_at,
    created_at,
  };
}
