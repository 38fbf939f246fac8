/** Calls a SQL function by name, as PostgREST does. */
import { z } from "zod";
import type { ParameterOrJSON, Sql, TransactionSql } from "postgres";

/** Named arguments. Their types come from the function's signature. */
export type Arguments = Record<string, ParameterOrJSON<never>>;

const results = z.tuple([z.object({ result: z.unknown() })]);

/** `select <name>(p_a => …, p_b => …)`. `name` includes the schema. Names must come from the test; values are bound. */
export async function callFunction(
  sql: Sql | TransactionSql,
  name: string,
  args: Arguments = {},
): Promise<unknown> {
  const named = Object.keys(args).map((parameter, index) => `${parameter} => $${index + 1}`);
  const rows = await sql.unsafe(
    `select ${name}(${named.join(", ")}) as result`,
    Object.values(args),
  );
  return results.parse([...rows])[0].result;
}
