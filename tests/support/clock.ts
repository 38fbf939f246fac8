/** A clock that a test sets: SQL functions go by the setting `durable_responses.now` where it is there. */
import type { Sql, TransactionSql } from "postgres";

export interface TestClock {
  readonly now: Date;
  set(now: Date): void;
  /** Moves it on. */
  advance(ms: number): void;
  /** Makes it the time of the transaction that `sql` is in. */
  pin(sql: TransactionSql | Sql): Promise<void>;
}

/** Starts at noon on a day far from today, so that a function which asks for the real time is found out. */
export function testClock(start: Date = new Date("2030-01-01T12:00:00Z")): TestClock {
  let now = start;
  return {
    get now() {
      return now;
    },
    set(time) {
      now = time;
    },
    advance(ms) {
      now = new Date(now.getTime() + ms);
    },
    async pin(sql) {
      await sql`select set_config('durable_responses.now', ${now.toISOString()}, true)`;
    },
  };
}
