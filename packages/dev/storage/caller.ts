/** Who asks, and Storage's tables as they may see them. */
import { errors } from "jose";
import type { Sql, TransactionSql } from "postgres";
import postgres from "postgres";
import { actAs } from "../auth/act-as.ts";
import { bearerToken } from "../auth/bearer.ts";
import type { ApiKeys } from "../auth/keys.ts";
import { type Claims, claims, readToken } from "../auth/tokens.ts";
import { failureOf, failures } from "./failure.ts";

/** Nobody: what a request without a token is. */
export const nobody: Claims = { role: "anon", exp: 0 };

/** The claims of a request's token. Throws StorageFailure when it is not one of this project. */
export async function callerOf(keys: ApiKeys, request: Request): Promise<Claims> {
  const authorization = request.headers.get("authorization");
  if (authorization === null) return nobody;
  try {
    const read = claims.safeParse(await readToken(keys, bearerToken(authorization) ?? ""));
    if (read.success) return read.data;
  } catch (error) {
    if (error instanceof errors.JOSEError) throw failures.accessDenied(error.message);
    throw error;
  }
  throw failures.accessDenied("Invalid JWT");
}

/** The tables. */
export interface Tables {
  /** In one transaction, as the caller: row level security decides. */
  as<T>(caller: Claims, work: (sql: TransactionSql) => Promise<T>): Promise<T>;
  /** In one transaction, past row level security: for what has been allowed already. */
  asService<T>(work: (sql: TransactionSql) => Promise<T>): Promise<T>;
  /** Whether the caller may: tries it and takes it back. Throws StorageFailure when they may not. */
  tryAs(caller: Claims, work: (sql: TransactionSql) => Promise<unknown>): Promise<void>;
}

/** `sql` connects as supabase_storage_admin. */
export function tablesIn(sql: Sql): Tables {
  async function as<T>(caller: Claims, work: (sql: TransactionSql) => Promise<T>): Promise<T> {
    const done: { result?: T } = {};
    try {
      await sql.begin(async (tx) => {
        await actAs(tx, caller, { "storage.allow_delete_query": "true" });
        done.result = await work(tx);
      });
    } catch (error) {
      throw error instanceof postgres.PostgresError ? failureOf(error) : error;
    }
    if (!("result" in done)) throw new Error("Cannot read Storage's tables: nothing was done");
    return done.result;
  }

  return {
    as,
    asService: (work) => as({ role: "service_role", exp: 0 }, work),
    async tryAs(caller, work) {
      const takenBack = new Error("taken back on purpose");
      try {
        await as(caller, async (tx) => {
          await work(tx);
          throw takenBack;
        });
      } catch (error) {
        if (error !== takenBack) throw error;
      }
    },
  };
}
