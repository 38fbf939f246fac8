/** What the policies on realtime.messages let a token do with a private topic. */
import type { Sql, TransactionSql } from "postgres";
import { actAs } from "../auth/act-as.ts";
import type { Claims } from "../auth/tokens.ts";

const insufficientPrivilege = "42501";

/**
 * Whether a token may join a topic and be sent its messages. Postgres itself is asked, as Realtime does: a message is put
 * into the topic, and it is tried whether the token's role, with its claims, sees it. It is rolled back.
 */
export async function mayRead(sql: Sql, topic: string, claims: Claims): Promise<boolean> {
  const id = crypto.randomUUID();
  return await tryOut(sql, async (tx) => {
    await tx`insert into realtime.messages (id, topic, extension) values (${id}, ${topic}, 'broadcast')`;
    await actAs(tx, claims, { "realtime.topic": topic });
    const seen = await tx`select from realtime.messages where id = ${id}`;
    return seen.length > 0;
  });
}

/** Whether a token may send to a topic: whether its role may put a message there. */
export async function mayWrite(sql: Sql, topic: string, claims: Claims): Promise<boolean> {
  return await tryOut(sql, async (tx) => {
    await actAs(tx, claims, { "realtime.topic": topic });
    await tx`insert into realtime.messages (topic, extension) values (${topic}, 'broadcast')`;
    return true;
  });
}

/** Runs `ask` and rolls back whatever it did; false when Postgres refuses it. */
async function tryOut(sql: Sql, ask: (tx: TransactionSql) => Promise<boolean>): Promise<boolean> {
  const rollback = new Error("rolled back on purpose");
  let answer = false;
  try {
    await sql.begin(async (tx) => {
      answer = await ask(tx);
      throw rollback;
    });
  } catch (error) {
    if (error !== rollback && !isRefusal(error)) throw error;
  }
  return answer;
}

function isRefusal(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === insufficientPrivilege;
}
