/** A transaction that a test keeps open, and a way to see that another one waits for it. */
import type { ReservedSql } from "postgres";
import { z } from "zod";
import type { Machine } from "./machine.ts";
import { eventually } from "./eventually.ts";

export interface OpenTransaction {
  readonly sql: ReservedSql;
  readonly pid: number;
  commit(): Promise<void>;
  rollback(): Promise<void>;
}

const pids = z.tuple([z.object({ pid: z.number() })]);

/** Begins a transaction as service_role at the machine's time, on its own connection. */
export async function openTransaction({ db, clock }: Machine): Promise<OpenTransaction> {
  const sql = await db.admin.reserve();
  await sql`begin`;
  await clock.pin(sql);
  await sql`set local role service_role`;
  const [{ pid }] = pids.parse([...await sql`select pg_backend_pid() as pid`]);
  let open = true;
  const end = async (how: "commit" | "rollback") => {
    if (!open) return;
    open = false;
    await sql.unsafe(how);
    sql.release();
  };
  return { sql, pid, commit: () => end("commit"), rollback: () => end("rollback") };
}

/** Resolves when session `pid` waits for a lock. */
export async function waitsForLock({ db }: Machine, pid: number): Promise<void> {
  await eventually(`session ${pid} waiting for a lock`, async () => {
    const rows = await db.owner`
      select from pg_stat_activity where pid = ${pid} and wait_event_type = 'Lock'
    `;
    return rows.length > 0;
  });
}
