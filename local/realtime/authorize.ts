/** What the policies on realtime.messages let a token do with a private topic. */
import type { Sql } from "postgres";
import type { Claims } from "../auth/tokens.ts";

export interface Rights {
  /** May join and be sent messages. */
  read: boolean;
  /** May send messages. */
  write: boolean;
}

const insufficientPrivilege = "42501";

/**
 * Asks Postgres itself, as Realtime does: a message is put into the topic, and it is tried whether the token's role, with
 * its claims, sees it and may put another beside it. All of it is rolled back.
 */
export async function rightsTo(sql: Sql, topic: string, claims: Claims): Promise<Rights> {
  const rollback = new Error("rolled back on purpose");
  let rights: Rights = { read: false, write: false };
  const id = crypto.randomUUID();
  try {
    await sql.begin(async (tx) => {
      await tx`insert into realtime.messages (id, topic, extension) values (${id}, ${topic}, 'broadcast')`;
      await tx`
        select set_config('request.jwt.claims', ${JSON.stringify(claims)}, true),
          set_config('request.jwt.claim.sub', ${claims.sub ?? ""}, true),
          set_config('request.jwt.claim.role', ${claims.role}, true),
          set_config('realtime.topic', ${topic}, true),
          set_config('role', ${claims.role}, true)`;
      const seen = await tx`select from realtime.messages where id = ${id}`;
      rights = { read: seen.length > 0, write: false };
      await tx`insert into realtime.messages (topic, extension) values (${topic}, 'broadcast')`;
      rights = { ...rights, write: true };
      throw rollback;
    });
  } catch (error) {
    if (error !== rollback && !isRefusal(error)) throw error;
  }
  return rights;
}

function isRefusal(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === insufficientPrivilege;
}
