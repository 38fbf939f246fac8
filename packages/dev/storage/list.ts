/** Lists of what is below a prefix: by folder and offset, and the newer kind with a cursor. */
import type { TransactionSql } from "postgres";
import { z } from "zod";
import { failures } from "./failure.ts";

const columns = ["name", "created_at", "updated_at", "last_accessed_at"] as const;
const order = z.enum(["asc", "desc"]).default("asc");

export const listBody = z.strictObject({
  prefix: z.string().default(""),
  limit: z.int().min(1).default(100),
  offset: z.int().min(0).default(0),
  search: z.string().default(""),
  sortBy: z.object({ column: z.enum(columns).default("name"), order }).prefault({}),
});

export const listV2Body = z.strictObject({
  prefix: z.string().default(""),
  limit: z.int().min(1).default(1000),
  cursor: z.string().optional(),
  with_delimiter: z.boolean().default(false),
  sortBy: z.object({ column: z.enum(columns).default("name"), order }).prefault({}),
});

const time = z.date().nullable().transform((date) => date?.toISOString() ?? null);

const entry = z.object({
  /** Below the prefix. */
  rest: z.string(),
  /** Of an object; a folder has none. */
  id: z.string().nullable(),
  updated_at: time,
  created_at: time,
  last_accessed_at: time,
  metadata: z.record(z.string(), z.unknown()).nullable(),
  /** By what it is sorted, before its name. */
  rank: z.string(),
});
type Entry = z.infer<typeof entry>;

interface Selection {
  bucket: string;
  prefix: string;
  /** Whether what is deeper is shown as its folder. */
  folders: boolean;
  column: (typeof columns)[number];
}

/** A query of what is `below`: objects, and folders at the first slash. */
function entries(sql: TransactionSql, { folders, column }: Selection) {
  const rank = column === "name" ? sql`''` : sql`
    to_char(${sql(column)} at time zone 'utc', 'YYYY-MM-DD HH24:MI:SS.US')`;
  const isFolder = folders ? sql`strpos(rest, '/') > 0` : sql`false`;
  return sql`
    select rest collate "C" as rest, id, updated_at, created_at, last_accessed_at, metadata,
      (${rank}) collate "C" as rank
    from below where not (${isFolder})
    union all
    select split_part(rest, '/', 1) collate "C", null, null, null, null, null, '' collate "C"
    from below where ${isFolder} group by 1`;
}

/** A query of the objects below a prefix. */
function below(sql: TransactionSql, { bucket, prefix }: Selection) {
  return sql`
    select substr(name, length(${prefix}::text) + 1) as rest, *
    from storage.objects
    where bucket_id = ${bucket} and starts_with(name, ${prefix})`;
}

/** As supabase-js's `list` has it: the folder's own objects and folders, folders first. */
export async function list(
  sql: TransactionSql,
  bucket: string,
  { prefix, limit, offset, search, sortBy }: z.infer<typeof listBody>,
) {
  const folder = prefix === "" || prefix.endsWith("/") ? prefix : `${prefix}/`;
  const selection = { bucket, prefix: folder, folders: true, column: sortBy.column };
  const direction = sortBy.order === "asc" ? sql`asc` : sql`desc`;
  const rows = await sql`
    with below as (${below(sql, selection)}), entries as (${entries(sql, selection)})
    select * from entries where starts_with(lower(rest), lower(${search}))
    order by id is not null, rank ${direction}, rest ${direction}
    limit ${limit} offset ${offset}`;
  return z.array(entry).parse(rows).map(({ rest, rank: _, ...more }) => ({ name: rest, ...more }));
}

const cursorShape = z.tuple([z.string(), z.string()]);

/** As supabase-js's `listV2` has it: all that is below a prefix, or that with folders, page by page. */
export async function listV2(
  sql: TransactionSql,
  bucket: string,
  { prefix, limit, cursor, with_delimiter: folders, sortBy }: z.infer<typeof listV2Body>,
) {
  const selection = { bucket, prefix, folders, column: sortBy.column };
  const most = Math.min(limit, 1000);
  const [rank, rest] = cursor === undefined ? [null, null] : readCursor(cursor);
  const [direction, beyond] = sortBy.order === "asc" ? [sql`asc`, sql`>`] : [sql`desc`, sql`<`];
  const rows = z.array(entry).parse(
    await sql`
      with below as (${below(sql, selection)}), entries as (${entries(sql, selection)})
      select * from entries
      where ${cursor === undefined} or (rank, rest) ${beyond} (${rank}::text, ${rest}::text)
      order by rank ${direction}, rest ${direction}
      limit ${most + 1}`,
  );
  const page = rows.slice(0, most);
  const last = rows.length > most ? page.at(-1) : undefined;
  const key = ({ rest }: Entry) => prefix + rest;
  return {
    hasNext: last !== undefined,
    ...(last && { nextCursor: writeCursor(last), nextCursorKey: key(last) }),
    folders: page.filter(({ id }) => id === null)
      .map((each) => ({ key: `${key(each)}/`, name: `${key(each)}/` })),
    objects: page.filter(({ id }) => id !== null)
      .map(({ rest, rank: _, ...more }) => ({ key: prefix + rest, name: prefix + rest, ...more })),
  };
}

function writeCursor({ rank, rest }: Entry): string {
  return new TextEncoder().encode(JSON.stringify([rank, rest])).toBase64();
}

function readCursor(cursor: string): z.infer<typeof cursorShape> {
  try {
    return cursorShape.parse(JSON.parse(new TextDecoder().decode(Uint8Array.fromBase64(cursor))));
  } catch (error) {
    if (!(error instanceof SyntaxError) && !(error instanceof z.ZodError)) throw error;
    throw failures.invalidRequest("Invalid Parameter continuation token");
  }
}
