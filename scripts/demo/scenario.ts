/** What a scenario is: one promise of the project, shown on a stack of its own and checked. */
import type { Sql } from "postgres";
import type { Fault, OpenAIStandIn, WebhookFault } from "../../packages/dev/openai/mod.ts";
import type { Stack } from "../../packages/dev/stack.ts";
import type { Caller } from "./caller.ts";
import type { Rows } from "./observe/rows.ts";
import type { Line } from "./timeline/line.ts";

export interface Scenario {
  name: string;
  /** What it shows, in one line. */
  title: string;
  /** Life of a worker, ms; default 150,000. */
  wallClockMs?: number;
  /** Has pg_cron look for due work every second instead of every ten: for what only its tick can find. */
  hurryCron?: true;
  /** Faults of the OpenAI stand-in from the start. By default background with an MCP tool fails. */
  faults?: Fault[];
  webhookFaults?: WebhookFault[];
  /** Plays it and checks what must hold; `expect` and `until` throw where it does not. */
  run(context: ScenarioContext): Promise<void>;
}

/** A stack with its stand-in: scenarios need its faults. */
export type ScenarioStack = Stack & { openai: OpenAIStandIn };

export interface ScenarioContext {
  stack: ScenarioStack;
  caller: Caller;
  /** As the role postgres: what an operator may do in the SQL editor. */
  sql: Sql;
  /** Reads the tables now. */
  look(): Promise<Rows>;
  /**
   * Waits until `look` finds what it looks for and returns it.
   * @throws NotHeld after `timeoutMs`, default 60,000
   */
  until<T>(
    what: string,
    find: (rows: Rows) => T | undefined | false | Promise<T | undefined | false>,
    timeoutMs?: number,
  ): Promise<T>;
  /** Adds a line of something that the scenario itself does. */
  note(line: Omit<Line, "at">): void;
}

/** Something that a scenario shows did not hold; its message is the reason. */
export class NotHeld extends Error {}

/** @throws NotHeld */
export function expect(holds: boolean, what: string): asserts holds {
  if (!holds) throw new NotHeld(what);
}

/** Like `expect`, and says both values. */
export function expectEqual(actual: unknown, expected: unknown, what: string): void {
  expect(
    JSON.stringify(actual) === JSON.stringify(expected),
    `${what}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}`,
  );
}
