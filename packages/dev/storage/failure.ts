/** Refusals in the words of Supabase Storage. */
import type { Context } from "hono";
import type { PostgresError } from "postgres";

/**
 * A refusal. `statusCode` is what the body says; over HTTP each of them is a 400, or a 500, as on the platform, where clients
 * read the body.
 */
export class StorageFailure extends Error {
  override name = "StorageFailure";

  constructor(
    readonly statusCode: number,
    readonly code: string,
    message: string,
    /** An older name for some of the codes. */
    readonly error = code,
  ) {
    super(message);
  }
}

const about = (statusCode: number, code: string, error = code) => (message: string) =>
  new StorageFailure(statusCode, code, message, error);
const fixed = (...told: ConstructorParameters<typeof StorageFailure>) => () =>
  new StorageFailure(...told);

export const failures = {
  accessDenied: about(403, "AccessDenied", "Unauthorized"),
  invalidJwt: about(400, "InvalidJWT"),
  invalidKey: (key: string) => new StorageFailure(400, "InvalidKey", `Invalid key: ${key}`),
  invalidMimeType: about(415, "InvalidMimeType", "invalid_mime_type"),
  invalidRequest: about(400, "InvalidRequest"),
  invalidSignature: about(400, "InvalidSignature"),
  bucketNotEmpty: fixed(409, "ResourceNotEmpty", "The bucket you tried to delete is not empty"),
  entityTooLarge: fixed(
    413,
    "EntityTooLarge",
    "The object exceeded the maximum allowed size",
    "Payload too large",
  ),
  invalidBucketName: fixed(400, "InvalidBucketName", "Bucket name invalid", "Invalid Input"),
  noSuchBucket: fixed(404, "NoSuchBucket", "Bucket not found", "Bucket not found"),
  noSuchKey: fixed(404, "NoSuchKey", "Object not found", "not_found"),
  resourceExists: fixed(409, "ResourceAlreadyExists", "The resource already exists", "Duplicate"),
};

/** The answer to a refused request. */
export function failureAnswer({ statusCode, code, error, message }: StorageFailure, to: Context) {
  const body = { statusCode: String(statusCode), code, error, message };
  return to.json(body, statusCode === 500 ? 500 : 400, { "cache-control": "no-store" });
}

/** What Storage makes of a refusal by Postgres. */
export function failureOf({ code, message }: PostgresError): StorageFailure {
  switch (code) {
    case "42501":
      return failures.accessDenied("new row violates row-level security policy");
    case "23505":
      return failures.resourceExists();
    case "23503":
      return new StorageFailure(404, "InvalidRequest", "The related resource does not exist");
    case "55P03":
      return new StorageFailure(423, "ResourceLocked", "The resource is locked");
    default:
      return new StorageFailure(500, "DatabaseError", message);
  }
}
