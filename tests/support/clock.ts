/** A clock that a test sets. SQL functions read the setting `durable_responses.now`, if it is set, instead of the time. */
import type { Sql, TransactionSql } from "postgres";

export interface TestClock {
  readonly now: Date;
  set(now: Date): void;
  /** Moves the clock forward. */
  advance(ms: number): void;
  /** Sets this time in the transaction that `sql` is in. */
  pin(sql: TransactionSql | Sql): Promise<void>;
}

/** Starts at noon on a day far from today, so that a function that reads the real time is noticed. */
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
