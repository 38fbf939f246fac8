/** What Storage's routes share, and how they read a request. */
import type { Context } from "hono";
import { z } from "zod";
import type { ApiKeys } from "../auth/keys.ts";
import type { Tables } from "./caller.ts";
import { failures } from "./failure.ts";
import type { Objects } from "./objects.ts";
import type { Place } from "./rows.ts";

export interface StorageParts {
  keys: ApiKeys;
  tables: Tables;
  objects: Objects;
}

/** Which object a path names after `prefix`, as `/bucket/name`. */
export function placeIn(context: Context, prefix: string): Place {
  const [bucket = "", ...name] = new URL(context.req.url).pathname.slice(prefix.length + 1).split(
    "/",
  );
  try {
    return { bucket: decodeURIComponent(bucket), name: decodeURIComponent(name.join("/")) };
  } catch (error) {
    if (error instanceof URIError) throw failures.invalidKey(name.join("/"));
    throw error;
  }
}

export function urlOf({ bucket, name }: Place): string {
  return `${bucket}/${name}`;
}

/** The JSON body of a request. Throws StorageFailure when it is none, or not of this shape. */
export async function bodyOf<T>(context: Context, schema: z.ZodType<T>): Promise<T> {
  let body: unknown;
  try {
    body = await context.req.json();
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw failures.invalidRequest(`Body is not valid JSON: ${error.message}`);
  }
  return read(schema, body);
}

/** Throws StorageFailure that says what is wrong where. */
export function read<T>(schema: z.ZodType<T>, told: unknown): T {
  const parsed = schema.safeParse(told);
  if (!parsed.success) throw failures.invalidRequest(z.prettifyError(parsed.error));
  return parsed.data;
}

export function wantsUpsert(context: Context): boolean {
  return context.req.header("x-upsert") === "true";
}
