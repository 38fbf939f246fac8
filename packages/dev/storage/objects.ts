/** Objects: the row, which row level security guards, and the bytes of the version that it names. */
import { createHash } from "node:crypto";
import type { TransactionSql } from "postgres";
import { z } from "zod";
import type { Claims } from "../auth/tokens.ts";
import type { Tables } from "./caller.ts";
import { failures } from "./failure.ts";
import type { Files } from "./files.ts";
import { checkKey } from "./limits.ts";
import {
  findObject,
  insertObject,
  lockObject,
  type Metadata,
  moveObject,
  type ObjectRow,
  objectRow,
  type Place,
  upsertObject,
  type Written,
} from "./rows.ts";
import type { Upload } from "./upload.ts";

export interface WriteOptions {
  owner: string | undefined;
  /** Whether it may take the place of one that is there. */
  upsert: boolean;
}

export interface Content {
  row: ObjectRow;
  bytes: Uint8Array<ArrayBuffer>;
}

/** Runs work as somebody. */
export type Within = <T>(work: (sql: TransactionSql) => Promise<T>) => Promise<T>;

export interface Objects {
  /** Whether the caller may write there. Throws StorageFailure when not. */
  mayWrite(caller: Claims, place: Place, options: WriteOptions, upload?: Upload): Promise<void>;
  /** Stores what was allowed already. */
  write(place: Place, upload: Upload, options: WriteOptions): Promise<ObjectRow>;
  /** An object and its bytes. Throws StorageFailure when `within` sees none. */
  open(within: Within, place: Place): Promise<Content>;
  copy(caller: Claims, from: Place, to: Place, upsert: boolean): Promise<ObjectRow>;
  move(caller: Claims, from: Place, to: Place): Promise<ObjectRow>;
  /** Deletes those that the caller sees and may delete: of these names, or all of the bucket. Returns them. */
  remove(caller: Claims, bucket: string, names?: readonly string[]): Promise<ObjectRow[]>;
}

export function objectsIn(tables: Tables, files: Files): Objects {
  async function mayWrite(
    caller: Claims,
    place: Place,
    { owner, upsert }: WriteOptions,
    upload?: Upload,
  ): Promise<void> {
    checkKey(place.name);
    const metadata = upload ? { mimetype: upload.type, contentLength: upload.bytes.length } : {};
    const written = { owner, version: "1", metadata, userMetadata: upload?.userMetadata };
    await tables.tryAs(
      caller,
      (sql) => (upsert ? upsertObject : insertObject)(sql, place, written),
    );
  }

  /** Has `put` write a new version and name it in a row, and say which one it replaced. Only the row's stays. */
  async function replace(
    place: Place,
    put: (sql: TransactionSql, version: string) => Promise<string | null>,
  ): Promise<ObjectRow> {
    const version = crypto.randomUUID();
    const [row, before] = await tables.asService(async (sql) => {
      await lockObject(sql, place);
      const replaced = await put(sql, version);
      return [await findObject(sql, place), replaced] as const;
    }).catch(async (error) => {
      await files.remove([version]);
      throw error;
    });
    if (before !== null) await files.remove([before]);
    return row;
  }

  function store(
    bytes: Uint8Array,
    place: Place,
    written: Omit<Written, "version">,
    upsert: boolean,
  ): Promise<ObjectRow> {
    return replace(place, async (sql, version) => {
      const before = upsert ? await versionAt(sql, place) : null;
      await (upsert ? upsertObject : insertObject)(sql, place, { ...written, version });
      await files.write(version, bytes);
      return before;
    });
  }

  async function open(within: Within, place: Place): Promise<Content> {
    for (let left = 1;; left--) {
      const row = await within((sql) => findObject(sql, place));
      const bytes = await files.read(row.version ?? "");
      if (bytes !== undefined) return { row, bytes };
      // It was overwritten between the two looks. Of a row that SQL wrote there never are bytes.
      if (left === 0) throw failures.noSuchKey();
    }
  }

  const openAs = (caller: Claims, place: Place) => open((work) => tables.as(caller, work), place);

  return {
    mayWrite,
    open,
    write: (place, upload, { owner, upsert }) =>
      store(upload.bytes, place, {
        owner,
        metadata: describe(upload),
        userMetadata: upload.userMetadata,
      }, upsert),
    async copy(caller, from, to, upsert) {
      const { row, bytes } = await openAs(caller, from);
      const owner = caller.sub;
      await mayWrite(caller, to, { owner, upsert });
      const metadata = { ...row.metadata, lastModified: new Date().toISOString() };
      return await store(bytes, to, { owner, metadata, userMetadata: row.user_metadata }, upsert);
    },
    async move(caller, from, to) {
      checkKey(to.name);
      const owner = caller.sub;
      await tables.tryAs(caller, async (sql) => {
        await findObject(sql, from);
        await moveObject(sql, from, to, { owner, version: "1" });
      });
      return await replace(to, async (sql, version) => {
        const before = await versionAt(sql, from);
        await moveObject(sql, from, to, { owner, version });
        const bytes = await files.read(before ?? "");
        if (bytes === undefined) throw failures.noSuchKey();
        await files.write(version, bytes);
        return before;
      });
    },
    async remove(caller, bucket, names) {
      const removed = await tables.as(caller, async (sql) =>
        z.array(objectRow).parse(
          await sql`
            delete from storage.objects
            where bucket_id = ${bucket} ${names ? sql`and name = any (${[...names]})` : sql``}
            returning *`,
        ));
      await files.remove(removed.flatMap(({ version }) => version ?? []));
      return removed;
    },
  };
}

async function versionAt(sql: TransactionSql, { bucket, name }: Place): Promise<string | null> {
  const [row] = await sql<{ version: string | null }[]>`
    select version from storage.objects where bucket_id = ${bucket} and name = ${name} for update`;
  return row?.version ?? null;
}

function describe({ bytes, type, cacheControl }: Upload): Metadata {
  return {
    eTag: `"${createHash("md5").update(bytes).digest("hex")}"`,
    size: bytes.length,
    mimetype: type,
    cacheControl,
    lastModified: new Date().toISOString(),
    contentLength: bytes.length,
    httpStatusCode: 200,
  };
}
