/** What operators change while users act: settings, routes, and users that are deleted. */
import type { Sql } from "postgres";
import { findEmail, replyToEmail } from "../../packages/dev/mcp/mailbox.ts";
import type { Stack } from "../../packages/dev/stack.ts";
import { callRespond } from "./call.ts";
import type { Crowd } from "./people.ts";
import type { Random } from "./random.ts";
import { isPassing } from "./storm.ts";
import { newWish } from "./wish.ts";

export interface OperatorAction {
  name: string;
  /** False if this database cannot do it: the action is then left out. */
  isThere?(sql: Sql): Promise<boolean>;
  act(world: World): Promise<void>;
}

interface World {
  stack: Stack;
  sql: Sql;
  random: Random;
  crowd: Crowd;
}

export const operatorActions: readonly OperatorAction[] = [
  {
    name: "edit settings",
    async act({ sql, random }) {
      await sql`
        update public.response_settings set
          breaker_failures = ${random.pick([1, 3, 10])},
          probe_interval_s = ${random.pick([1, 2, 5])},
          max_workers = ${random.pick([1, 2, 8])},
          max_running = ${random.pick([null, 2, 8])},
          max_unfinished_per_user = ${random.pick([null, 4, 1_000])}`;
    },
  },
  {
    name: "reset routes",
    async act({ sql }) {
      await sql`
        update public.response_routes set breaker = 'closed', background_failures = 0, probe_at = null,
          paused_until = null, pause_reason = null`;
    },
  },
  {
    name: "pause and limit a route",
    async act({ sql, random }) {
      await sql`
        update public.response_routes set paused_until = now() + interval '2 seconds', pause_reason = 'by hand',
          max_running = ${random.pick([null, 1, 4])}
        where profile = ${random.pick(["mail", "mail-sync", "mail-asks"])}`;
    },
  },
  {
    name: "delete a user",
    async isThere(sql) {
      const found = await sql`select 1 from pg_proc where proname = 'delete_response_owner'`;
      return found.length > 0;
    },
    act: deleteUser,
  },
];

/** Deletes a user while their job runs. */
async function deleteUser({ stack, sql, random, crowd }: World): Promise<void> {
  const { id, token } = await stack.createUser();
  const wish = newWish({ ids: [], mark: `mark-gone-${id}.`, sends: true });
  wish.deleted = true;
  crowd.wishes.push(wish);
  const query = `[[plan: ${findEmail("invoice")}; ${replyToEmail(wish.mark)}]] Look after the mail`;
  const body = { query, profile: random.pick(["mail", "mail-sync", "mail-asks"]) };
  await callRespond(stack, token, "", { body });
  await new Promise((resolve) => setTimeout(resolve, random.between(0, 400)));
  const [found] = await sql<{ schema: string }[]>`
    select pronamespace::regnamespace::text as schema from pg_proc where proname = 'delete_response_owner'`;
  if (found === undefined) return;
  await sql`select ${sql(found.schema)}.delete_response_owner(${id}::uuid)`;
  const left = await sql`
    select 1 from public.response_jobs_internal where owner_id = ${id} and input is not null`;
  if (left.length > 0) crowd.wrongAnswers.push(`a deleted user's input is still there: ${id}`);
}

/**
 * Acts until `until`, and then resets everything.
 * @returns its actions, by name
 */
export async function actAsOperator(world: World, until: number): Promise<Map<string, number>> {
  const { sql, random } = world;
  const done = new Map<string, number>();
  const there: OperatorAction[] = [];
  for (const action of operatorActions) {
    if (await action.isThere?.(sql) ?? true) there.push(action);
  }
  while (performance.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, random.between(200, 900)));
    const action = there[Math.floor(random.next() * there.length)];
    if (action === undefined) continue;
    try {
      await action.act(world);
      done.set(action.name, (done.get(action.name) ?? 0) + 1);
    } catch (error) {
      // The storm may have taken the database down.
      if (!isPassing(error)) throw error;
    }
  }
  await settle(sql);
  return done;
}

/** Removes all limits and pauses. */
async function settle(sql: Sql): Promise<void> {
  for (let left = 40;; left--) {
    try {
      await sql`
        update public.response_settings set max_workers = 8, max_running = null, max_unfinished_per_user = 1000`;
      await sql`update public.response_routes set max_running = null`;
      return;
    } catch (error) {
      if (left === 0 || !isPassing(error)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
}
