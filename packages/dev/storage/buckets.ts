/** Buckets. Who may see and change them is for the policies on storage.buckets to say; service_role may. */
import type { TransactionSql } from "postgres";
import { z } from "zod";
import type { Claims } from "../auth/tokens.ts";
import { failures } from "./failure.ts";
import { checkBucketName, sizeLimit } from "./limits.ts";

const time = z.date().transform((date) => date.toISOString());

export const bucketRow = z.object({
  id: z.string(),
  name: z.string(),
  owner: z.string().nullable().transform((owner) => owner ?? ""),
  public: z.boolean().nullable().transform((value) => value ?? false),
  type: z.string(),
  // A bigint comes as text.
  file_size_limit: z.coerce.number().nullable(),
  allowed_mime_types: z.array(z.string()).nullable(),
  created_at: time,
  updated_at: time,
});
export type Bucket = z.infer<typeof bucketRow>;

const settings = {
  public: z.boolean().optional(),
  file_size_limit: z.union([z.number(), z.string()]).nullish(),
  allowed_mime_types: z.array(z.string()).nullish(),
};
const names = { id: z.string().optional(), name: z.string() };
export const newBucketBody = z.strictObject({
  ...names,
  type: z.literal("STANDARD").optional(),
  ...settings,
});
export const bucketBody = z.strictObject(names).partial().extend(settings);

export const bucketQuery = z.object({
  limit: z.coerce.number().int().min(1).optional(),
  offset: z.coerce.number().int().min(0).default(0),
  search: z.string().default(""),
  sortColumn: z.enum(["id", "name", "created_at", "updated_at"]).default("name"),
  sortOrder: z.enum(["asc", "desc"]).default("asc"),
});

/** Throws StorageFailure when there is none that `sql` may see. */
export async function findBucket(sql: TransactionSql, id: string): Promise<Bucket> {
  const [row] = await sql`select * from storage.buckets where id = ${id}`;
  if (row === undefined) throw failures.noSuchBucket();
  return bucketRow.parse(row);
}

export async function listBuckets(
  sql: TransactionSql,
  { limit, offset, search, sortColumn, sortOrder }: z.infer<typeof bucketQuery>,
): Promise<Bucket[]> {
  return z.array(bucketRow).parse(
    await sql`
      select * from storage.buckets where strpos(lower(name), lower(${search})) > 0
      order by ${sql(sortColumn)} ${sortOrder === "asc" ? sql`asc` : sql`desc`}
      limit ${limit ?? null} offset ${offset}`,
  );
}

export async function createBucket(
  sql: TransactionSql,
  { sub }: Claims,
  { id, name, ...told }: z.infer<typeof newBucketBody>,
): Promise<void> {
  checkBucketName(name);
  await sql`
    insert into storage.buckets (id, name, owner, owner_id, public, file_size_limit, allowed_mime_types)
    values (${id ?? name}, ${name}, ${sub ?? null}, ${sub ?? null}, ${told.public ?? false},
      ${sizeLimit(told.file_size_limit)}, ${told.allowed_mime_types ?? null})`;
}

/** What is not told stays. */
export async function updateBucket(
  sql: TransactionSql,
  id: string,
  told: z.infer<typeof bucketBody>,
): Promise<void> {
  const before = await findBucket(sql, id);
  const limit = told.file_size_limit === undefined
    ? before.file_size_limit
    : sizeLimit(told.file_size_limit);
  const types = told.allowed_mime_types === undefined
    ? before.allowed_mime_types
    : told.allowed_mime_types;
  const updated = await sql`
    update storage.buckets
    set public = ${told.public ?? before.public}, file_size_limit = ${limit},
      allowed_mime_types = ${types}, updated_at = now()
    where id = ${id} returning id`;
  if (updated.length === 0) throw failures.noSuchBucket();
}

/** Throws StorageFailure while there is an object in it, also one that the caller does not see. */
export async function deleteBucket(
  sql: TransactionSql,
  id: string,
  isEmpty: () => Promise<boolean>,
): Promise<void> {
  await findBucket(sql, id);
  if (!await isEmpty()) throw failures.bucketNotEmpty();
  const deleted = await sql`delete from storage.buckets where id = ${id} returning id`;
  if (deleted.length === 0) throw failures.noSuchBucket();
}
