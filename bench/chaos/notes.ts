/** The rows that our own tools write: one each time that a tool acts. */
import type { Sql } from "postgres";
import { z } from "zod";
import type { Stack } from "../../packages/dev/stack.ts";

const note = z.object({ body: z.string() });
/** How long to wait until PostgREST knows the table, in ms. */
const knownMs = 20_000;

/** Creates the table, and the function that is a SQL tool. */
export async function makeNotes(sql: Sql, stack: Stack): Promise<void> {
  await sql.unsafe(`
    set role postgres;
    create table public.chaos_notes (
      id bigint generated always as identity primary key, body text not null, key text unique, owner_id uuid default auth.uid());
    alter table public.chaos_notes enable row level security;
    grant all on public.chaos_notes to service_role;
    grant select, insert on public.chaos_notes to authenticated;
    create policy own on public.chaos_notes to authenticated
      using (owner_id = (select auth.uid())) with check (owner_id = (select auth.uid()));
    create function public.add_chaos_note(body text) returns text language plpgsql set search_path = '' as $$
    begin
      insert into public.chaos_notes (body) values (body);
      perform pg_sleep(random() * 0.3);
      return 'added';
    end;
    $$;
    notify pgrst, 'reload schema';
    reset role;
  `);
  const until = performance.now() + knownMs;
  while (performance.now() < until) {
    const answer = await fetch(`${stack.apiUrl}/rest/v1/chaos_notes?limit=1`, {
      headers: { apikey: stack.secretKey },
    });
    await answer.body?.cancel();
    if (answer.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`Cannot begin: the API does not know the notes after ${knownMs} ms`);
}

/** All rows that were written. */
export async function readNotes(sql: Sql): Promise<{ body: string }[]> {
  return z.array(note).parse(await sql`select body from public.chaos_notes order by id`);
}
