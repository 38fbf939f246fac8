/** A transaction as the platform's services have it for a caller: with the role and the claims of their token. */
import type { TransactionSql } from "postgres";
import type { Claims } from "./tokens.ts";

/** From here on row level security decides what the transaction sees. */
export async function actAs(
  sql: TransactionSql,
  claims: Claims,
  settings: Readonly<Record<string, string>>,
): Promise<void> {
  const all = {
    "request.jwt.claims": JSON.stringify(claims),
    "request.jwt.claim.sub": claims.sub ?? "",
    "request.jwt.claim.role": claims.role,
    ...settings,
    role: claims.role,
  };
  await sql`
    select set_config(name, value, true)
    from unnest(${Object.keys(all)}::text[], ${
    Object.values(all)
  }::text[]) as setting (name, value)`;
}
