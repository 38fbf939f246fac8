/** Rows of storage.objects, as Storage reads and writes them. What `sql` may do is for row level security to say. */
import type { TransactionSql } from "postgres";
import { z } from "zod";
import { failures } from "./failure.ts";
import { checkKey } from "./limits.ts";

const time = z.date().transform((date) => date.toISOString());

/** What Storage notes of an object's bytes. */
const metadata = z.looseObject({
  eTag: z.string().optional(),
  size: z.number().optional(),
  mimetype: z.string().optional(),
  cacheControl: z.string().optional(),
  lastModified: z.string().optional(),
});
export type Metadata = z.infer<typeof metadata>;

/** What the uploader says of an object. */
export const userMetadata = z.record(z.string(), z.unknown());
export type UserMetadata = z.infer<typeof userMetadata>;

/** One that SQL wrote may lack version and metadata. */
export const objectRow = z.object({
  id: z.uuid(),
  bucket_id: z.string(),
  name: z.string(),
  owner: z.string().nullable(),
  owner_id: z.string().nullable(),
  version: z.string().nullable(),
  created_at: time,
  updated_at: time,
  last_accessed_at: time,
  metadata: metadata.nullable(),
  user_metadata: userMetadata.nullable(),
});
export type ObjectRow = z.infer<typeof objectRow>;

/** Where an object is. */
export interface Place {
  bucket: string;
  name: string;
}

/** What is written of an object. */
export interface Written {
  /** The user, as their token names them; one that is there stays when this is none. */
  owner: string | undefined;
  version: string;
  metadata: Metadata;
  userMetadata: UserMetadata | null | undefined;
}

/** Throws StorageFailure when there is no object that `sql` may see. */
export async function findObject(sql: TransactionSql, { bucket, name }: Place): Promise<ObjectRow> {
  checkKey(name);
  const [row] = await sql`
    select * from storage.objects where bucket_id = ${bucket} and name = ${name}`;
  if (row === undefined) throw failures.noSuchKey();
  return objectRow.parse(row);
}

/** Returns nothing, since to return a row takes the right to read it. */
export async function insertObject(sql: TransactionSql, place: Place, written: Written) {
  await sql`insert into storage.objects ${rowOf(sql, place, written)}`;
}

/** Takes the rights to insert, read and update, as the platform's does. */
export async function upsertObject(sql: TransactionSql, place: Place, written: Written) {
  await sql`
    insert into storage.objects ${rowOf(sql, place, written)}
    on conflict (bucket_id, name) do update
      set owner = coalesce(excluded.owner, objects.owner),
        owner_id = coalesce(excluded.owner_id, objects.owner_id), version = excluded.version,
        metadata = excluded.metadata, user_metadata = excluded.user_metadata
    returning id`;
}

/** Gives an object another place. Throws StorageFailure when `sql` sees none to change. */
export async function moveObject(
  sql: TransactionSql,
  from: Place,
  to: Place,
  { owner, version }: Pick<Written, "owner" | "version">,
): Promise<void> {
  const moved = await sql`
    update storage.objects
    set bucket_id = ${to.bucket}, name = ${to.name}, version = ${version},
      owner = coalesce(${uuidOf(owner)}, owner), owner_id = coalesce(${owner ?? null}, owner_id)
    where bucket_id = ${from.bucket} and name = ${from.name}
    returning id`;
  if (moved.length === 0) throw failures.noSuchKey();
}

/** Writers of one object come one after the other, so that each knows which version it replaces. */
export async function lockObject(sql: TransactionSql, { bucket, name }: Place): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`${bucket}/${name}`}, 0))`;
}

function rowOf(sql: TransactionSql, { bucket, name }: Place, written: Written) {
  const { owner, version, metadata, userMetadata } = written;
  return sql`
    (bucket_id, name, owner, owner_id, version, metadata, user_metadata)
    values (${bucket}, ${name}, ${uuidOf(owner)}, ${owner ?? null}, ${version},
      ${JSON.stringify(metadata)}::text::jsonb, ${
    JSON.stringify(userMetadata ?? {})
  }::text::jsonb)`;
}

/** The older column for owners takes only uuids. */
function uuidOf(owner: string | undefined): string | null {
  return z.uuid().safeParse(owner).data ?? null;
}
