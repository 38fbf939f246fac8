/** One run of the demo: a stack, a user, and everything that is seen of them. */
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
 * Between two looks, ms. Every row has its own times, so what is seen late is still shown in its place; and each look costs the
 * database some of a core.
 */
const lookEveryMs = 100;

export interface Session {
  stack: Stack;
  sql: postgres.Sql;
  caller: Caller;
  timeline: Timeline;
  /** Reads the tables now. */
  look(): Promise<Rows>;
  /** Ends the observation with a last look, and shows what is still held; the stack runs on. */
  settle(): Promise<Rows>;
  stop(): Promise<void>;
}

/**
 * Starts a stack and observes it; the timeline's zero is when all is ready.
 * @param show gets each line with the ms since then
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
  // How it ended is told by settle(); here it only has to be over before the stack goes.
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

/** Looks at every source again and again until it is stopped. */
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
  // Whoever stops it learns of its failure; until then nobody waits for it.
  void Promise.allSettled([done]);
  return {
    stop() {
      stopping.abort();
      return done;
    },
  };
}
