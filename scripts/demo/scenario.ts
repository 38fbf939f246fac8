/** A scenario: one promise of the project, shown and checked on its own stack. */
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
  /** Life of a worker, in ms. Default: 150,000. */
  wallClockMs?: number;
  /** Makes pg_cron look for due work every second instead of every ten, for work that only cron can find. */
  hurryCron?: true;
  /** Faults of the OpenAI stand-in from the start. By default background with an MCP tool fails. */
  faults?: Fault[];
  webhookFaults?: WebhookFault[];
  /** Plays it, and checks what must hold. If something does not, `expect` and `until` throw. */
  run(context: ScenarioContext): Promise<void>;
}

/** A stack with its stand-in, whose faults scenarios need. */
export type ScenarioStack = Stack & { openai: OpenAIStandIn };

export interface ScenarioContext {
  stack: ScenarioStack;
  caller: Caller;
  /** As the role postgres, like an operator in the SQL editor. */
  sql: Sql;
  /** Reads the tables now. */
  look(): Promise<Rows>;
  /**
   * Waits until `look` finds something, and returns it.
   * @throws NotHeld after `timeoutMs`. Default: 60,000
   */
  until<T>(
    what: string,
    find: (rows: Rows) => T | undefined | false | Promise<T | undefined | false>,
    timeoutMs?: number,
  ): Promise<T>;
  /** Adds a line about something that the scenario itself does. */
  note(line: Omit<Line, "at">): void;
}

/** Something that a scenario shows does not hold. The message is the reason. */
export class NotHeld extends Error {}

/** @throws NotHeld */
export function expect(holds: boolean, what: string): asserts holds {
  if (!holds) throw new NotHeld(what);
}

/** Like `expect`, with both values in the message. */
export function expectEqual(actual: unknown, expected: unknown, what: string): void {
  expect(
    JSON.stringify(actual) === JSON.stringify(expected),
    `${what}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}`,
  );
}
