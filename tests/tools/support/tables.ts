/** The tables of these tests' tools: notes of TypeScript tools, and orders of SQL tools under row level security. */
import type { Sql } from "postgres";

/** Creates the tables, and waits until the API knows them. */
export async function makeTables(sql: Sql): Promise<void> {
  await sql.unsafe(`
    set role postgres;
    create table public.notes (
      id bigint generated always as identity primary key, tool text, body text, owner_id uuid, key text);
    alter table public.notes enable row level security;
    grant all on public.notes to service_role;

    create table public.orders (
      id bigint generated always as identity primary key, owner_id uuid not null default auth.uid(), item text, pieces integer not null);
    alter table public.orders enable row level security;
    grant select, insert on public.orders to authenticated, service_role;
    create policy own on public.orders to authenticated using (owner_id = auth.uid()) with check (owner_id = auth.uid());
    -- What a deferred trigger sees and writes is seen and written under whose rights it runs.
    create table public.seen (item text, role text, orders bigint);
    grant insert on public.seen to authenticated, service_role;
    create function public.note_seen() returns trigger language plpgsql as $$
    begin
      insert into public.seen select new.item, current_user, count(*) from public.orders;
      if new.item = 'refused at the end' then
        raise exception 'there is no such item';
      end if;
      return null;
    end;
    $$;
    create constraint trigger seen after insert on public.orders deferrable initially deferred
      for each row execute function public.note_seen();

    create function public.add_order(item text, pieces integer default 1) returns bigint language sql as $$
      insert into public.orders (item, pieces) values (item, pieces) returning id;
    $$;
    create function public.my_orders(of_owner text default null) returns setof public.orders language plpgsql as $$
    begin
      return query select * from public.orders o where of_owner is null or o.owner_id = of_owner::uuid order by o.id;
    end;
    $$;
    create function public.slow_order(item text, seconds numeric) returns bigint language plpgsql as $$
    begin
      perform pg_sleep(seconds);
      return public.add_order(item);
    end;
    $$;
    create function public.endless_order() returns bigint language plpgsql as $$
    begin
      perform public.add_order('endless');
      loop
        begin
          perform pg_sleep(60);
        exception when query_canceled then
          null;
        end;
      end loop;
    end;
    $$;
    create function public.wrong_order(item text) returns bigint language sql as $$
      select public.add_order('refused at the end');
    $$;
    reset role;
  `);
  await sql`notify pgrst, 'reload schema'`;
}
