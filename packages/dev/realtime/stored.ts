/** Messages that `realtime.send` wrote into realtime.messages: told by NOTIFY when they are committed, then read. */
import type { Sql } from "postgres";
import { z } from "zod";
import type { Message } from "./topics.ts";

const row = z.object({
  id: z.uuid(),
  topic: z.string(),
  private: z.boolean().nullable(),
  event: z.string().nullable(),
  payload: z.unknown(),
});

const pollMs = 1000;
/** How far back a poll looks, and how long an id is remembered, ms: longer than any transaction of ours takes. */
const windowMs = 15_000;

/**
 * Calls `onMessage` for each new message, once, in the order of their commits. What was written while the database could
 * not be reached from here is found by a poll.
 */
export async function readStoredMessages(
  sql: Sql,
  onMessage: (message: Message) => void,
  onError: (error: unknown) => void,
): Promise<{ stop(): Promise<void> }> {
  const seen = new Map<string, number>();
  let waiting: string[] = [];
  let work: Promise<void> = Promise.resolve();

  const take = (id: string) => {
    if (seen.has(id)) return;
    seen.set(id, performance.now());
    waiting.push(id);
    if (waiting.length === 1) work = work.then(deliver).catch(onError);
  };
  const deliver = async () => {
    const ids = waiting;
    waiting = [];
    const rows = z.array(row).parse([
      ...await sql`
        select id, topic, private, event, payload from realtime.messages
        where id = any (${ids}::uuid[]) order by array_position(${ids}::uuid[], id)`,
    ]);
    for (const { private: isPrivate, event, ...message } of rows) {
      onMessage({ ...message, private: isPrivate ?? false, event: event ?? "" });
    }
  };
  const poll = async () => {
    const recent = await sql`
      select id from realtime.messages
      where extension = 'broadcast' and inserted_at > now() - make_interval(secs => ${
      windowMs / 2000
    })
      order by inserted_at`;
    for (const { id } of z.array(z.object({ id: z.uuid() })).parse([...recent])) take(id);
    for (const [id, at] of seen) if (performance.now() - at > windowMs) seen.delete(id);
  };

  const listener = await sql.listen("realtime_messages", take);
  const clock = setInterval(() => void poll().catch(onError), pollMs);
  return {
    async stop() {
      clearInterval(clock);
      await work;
      await listener.unlisten().catch(onError);
    },
  };
}
