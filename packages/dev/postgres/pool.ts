import type { Sql } from "postgres";

/** Longest wait for one piece of work, ms. */
const longestMs = 30_000;

/**
 * A pool whose work always ends: postgres.js may leave a query waiting for ever when the server restarts just as it is
 * written. Work that is overdue fails, and what follows gets new connections.
 */
export class Pool {
  #sql: Sql;

  constructor(private readonly connect: () => Sql) {
    this.#sql = connect();
  }

  async use<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    const sql = this.#sql;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const overdue = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        if (this.#sql === sql) this.#sql = this.connect();
        reject(new Error(`Cannot wait for the database: no answer within ${longestMs} ms`));
        sql.end({ timeout: 0 }).catch((error) => {
          console.error(`Cannot close overdue connections: ${error}`);
        });
      }, longestMs);
    });
    return await Promise.race([work(sql), overdue]).finally(() => clearTimeout(timer));
  }

  async end(): Promise<void> {
    await this.#sql.end({ timeout: 1 });
  }
}
