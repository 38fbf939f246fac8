/**
 * A stand-in for Supabase Storage: buckets and objects as supabase-js asks for them, with the platform's tables, so that its
 * policies decide. What it has not: image transformations, resumable uploads, S3, versioning, and a CDN.
 */
import { Hono } from "hono";
import type { Sql } from "postgres";
import type { ApiKeys } from "../auth/keys.ts";
import { bucketRoutes } from "./bucket-routes.ts";
import { tablesIn } from "./caller.ts";
import { failureAnswer, StorageFailure } from "./failure.ts";
import { filesIn } from "./files.ts";
import { objectRoutes } from "./object-routes.ts";
import { objectsIn } from "./objects.ts";
import { openRoutes } from "./open-routes.ts";

export interface StorageOptions {
  /** As the role `supabase_storage_admin`. Whoever opened it closes it. */
  sql: Sql;
  keys: ApiKeys;
  /** Where the bytes are. */
  folder: string;
}

export interface Storage {
  /** Serves Storage's API; paths without `/storage/v1`. */
  fetch(request: Request): Promise<Response>;
}

export function startStorage({ sql, keys, folder }: StorageOptions): Storage {
  const tables = tablesIn(sql);
  const parts = { keys, tables, objects: objectsIn(tables, filesIn(folder)) };
  const app = new Hono();
  app.get("/health", (context) => context.json({ healthy: true }));
  app.route("/bucket", bucketRoutes(parts));
  // First what begins with a word: the other routes take it for a bucket.
  app.route("/object", openRoutes(parts));
  app.route("/object", objectRoutes(parts));
  app.notFound((context) =>
    context.json({
      statusCode: "404",
      error: "Not Found",
      message: `Route ${context.req.method}:${context.req.path} not found`,
    }, 404)
  );
  app.onError((error, context) => {
    if (error instanceof StorageFailure) return failureAnswer(error, context);
    throw error;
  });
  return { fetch: async (request) => await app.fetch(request) };
}
