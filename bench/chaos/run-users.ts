import type { Sql } from "postgres";
import type { Stack } from "../../packages/dev/stack.ts";
import { readNotes } from "./notes.ts";
import { actAsOperator } from "./operators.ts";
import { actAsUsers, type Crowd } from "./people.ts";
import { Random } from "./random.ts";
import { type ChaosResult, comeToRest, startTarget } from "./run.ts";
import { isPassing, startStorm } from "./storm.ts";

export interface UsersOptions {
  users: number;
  minutes: number;
  seed: number;
  progress: (line: string) => void;
}

export interface UsersResult extends ChaosResult {
  /** Requests of users. */
  actions: number;
  /** Answers that nobody should have received. */
  wrongAnswers: number;
  /** As counted by Postgres since its last restart. */
  deadlocks: number;
}

/** How long everything may take to come to rest after the storm, in ms. */
const restMs = 180_000;
/** Longer than in a load of jobs, because a run takes seconds while so much else happens. */
const wallClockMs = 20_000;

/** Users and an operator act while faults are drawn. Then everything comes to rest, and is counted. */
export async function runUsers(
  { users, minutes, seed, progress }: UsersOptions,
): Promise<UsersResult> {
  const started = performance.now();
  await using parts = new AsyncDisposableStack();
  const { stack, sql } = await startTarget(parts, wallClockMs);
  const until = performance.now() + minutes * 60_000;
  const storm = startStorm(stack, new Random(seed), progress);
  parts.defer(() => storm.stop());
  const seen: Crowd = { wishes: [], wrongAnswers: [], actions: 0 };
  const [crowd, operator] = await Promise.all([
    actAsUsers(stack, { count: users, seed: seed + 1, until, wasDone: lookFor(stack, sql) }),
    actAsOperator({ stack, sql, random: new Random(seed + 2), crowd: seen }, until),
  ]);
  const wishes = [...crowd.wishes, ...seen.wishes];
  const wrongAnswers = [...crowd.wrongAnswers, ...seen.wrongAnswers];
  progress(`  ${crowd.actions} actions of users, ${wishes.length} wishes`);
  for (const [name, times] of operator) progress(`  ${name}: ${times} times`);
  const result = await comeToRest({ stack, sql, storm, timeoutMs: restMs, progress }, wishes);
  const [row] = await sql<{ deadlocks: number }[]>`
    select deadlocks::int from pg_stat_database where datname = current_database()`;
  return {
    ...result,
    odd: [...wrongAnswers.slice(0, 40), ...result.odd],
    actions: crowd.actions,
    wrongAnswers: wrongAnswers.length,
    deadlocks: row?.deadlocks ?? 0,
    seconds: Math.round((performance.now() - started) / 1000),
  };
}

/** Looks into the mailbox and among the notes. */
function lookFor(stack: Stack, sql: Sql) {
  return async (mark: string): Promise<boolean | undefined> => {
    try {
      const done = [...stack.mailbox.sent, ...await readNotes(sql)];
      return done.some(({ body }) => body.includes(mark));
    } catch (error) {
      // The storm may have taken the database down.
      if (isPassing(error)) return undefined;
      throw error;
    }
  };
}
