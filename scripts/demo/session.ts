/** One run of the demo: a stack, a user, and what is observed. */
import postgres from "postgres";
import type { SignedInUser } from "../../packages/dev/auth/auth.ts";
import {
  type LogEvent,
  type Stack,
  type StackOptions,
  startStack,
} from "../../packages/dev/stack.ts";
import { Caller } from "./caller.ts";
import { DatabaseObserver } from "./observe/database.ts";
import { tellLog } from "./observe/functions.ts";
import { MailboxObserver } from "./observe/mailbox.ts";
import { OpenAIObserver } from "./observe/openai.ts";
import { readRows, type Rows } from "./observe/rows.ts";
import { mailPlans } from "./scenarios/mail.ts";
import type { Line } from "./timeline/line.ts";
import { Timeline } from "./timeline/timeline.ts";

/**
 * Pause between two looks, in ms. Rows have their own times, so what is seen late is still shown in its place. Each look costs
 * the database a part of a core.
 */
const lookEveryMs = 100;

export interface Session {
  stack: Stack;
  sql: postgres.Sql;
  caller: Caller;
  timeline: Timeline;
  /** Reads the tables now. */
  look(): Promise<Rows>;
  /** Ends the observation with a last look, and shows everything that is still held back. The stack keeps running. */
  settle(): Promise<Rows>;
  stop(): Promise<void>;
}

/**
 * Starts a stack and observes it. The timeline starts when everything is ready.
 * @param show gets each line with the time since then, in ms
 */
export async function openSession(
  options: StackOptions,
  show: (line: Line, elapsedMs: number) => void,
): Promise<Session> {
  let onLog: (event: LogEvent) => void = () => {};
  const stack = await startStack({
    durable: false,
    packages: "bundled",
    ...(options.openai === undefined && { plans: mailPlans }),
    ...options,
    onLog: (event) => onLog(event),
  });
  await using parts = new AsyncDisposableStack();
  parts.defer(() => stack.stop());
  const sql = postgres(stack.dbUrl, { max: 3, onnotice: () => {} });
  parts.defer(() => sql.end({ timeout: 1 }));
  const user: SignedInUser = await stack.createUser();
  const timeline = new Timeline(Date.now(), show);
  parts.defer(() => timeline.stop());
  onLog = (event) => tellLog(event, timeline);
  const observation = observe(stack, sql, timeline);
  // settle() reports how it ended. Here, it only must be over before the stack stops.
  parts.defer(async () => void await Promise.allSettled([observation.stop()]));
  const kept = parts.move();
  return {
    stack,
    sql,
    timeline,
    caller: new Caller(stack, user, timeline),
    look: () => readRows(sql),
    async settle() {
      const rows = await observation.stop();
      timeline.stop();
      return rows;
    },
    stop: () => kept.disposeAsync(),
  };
}

/** Looks at every source repeatedly, until it is stopped. */
function observe(stack: Stack, sql: postgres.Sql, timeline: Timeline) {
  const database = new DatabaseObserver(timeline);
  const mailbox = new MailboxObserver(stack.mailbox, timeline);
  const openai = stack.openai &&
    new OpenAIObserver(stack.openai, timeline, (id) => database.labels.get(id));
  const stopping = new AbortController();
  const lookAtAll = async (last: boolean) => {
    const rows = await readRows(sql);
    database.see(rows);
    openai?.see(last);
    mailbox.see();
    return rows;
  };
  const loop = async () => {
    while (!stopping.signal.aborted) {
      await lookAtAll(false);
      await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
    }
    return await lookAtAll(true);
  };
  const done = loop();
  // A failure is reported when it is stopped. Until then, nobody awaits it.
  void Promise.allSettled([done]);
  return {
    stop() {
      stopping.abort();
      return done;
    },
  };
}
