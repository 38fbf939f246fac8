/** A shop for the scenarios with our own tools: its tables and one function. */
import { expect, type ScenarioContext } from "../scenario.ts";

/** Creates them, as an adopter's migration would, and waits until the API knows them. */
export async function openShop({ sql, stack, note }: ScenarioContext): Promise<void> {
  await sql.unsafe(`
    create table public.parcels (id bigint generated always as identity primary key, "order" text, key text);
    create table public.refunds (id bigint generated always as identity primary key, "order" text, euro numeric, key text);
    create table public.orders (
      id bigint generated always as identity primary key, owner_id uuid not null default auth.uid(), item text);
    alter table public.parcels enable row level security;
    alter table public.refunds enable row level security;
    alter table public.orders enable row level security;
    grant all on public.parcels, public.refunds to service_role;
    grant select, insert on public.orders to authenticated;
    create policy own on public.orders to authenticated
      using (owner_id = (select auth.uid())) with check (owner_id = (select auth.uid()));
    create function public.place_order(item text) returns bigint language plpgsql set search_path = '' as $$
    declare
      v_id bigint;
    begin
      insert into public.orders (item) values (item) returning id into v_id;
      perform pg_sleep(1);
      return v_id;
    end;
    $$;
    notify pgrst, 'reload schema';
  `);
  const known = async () => {
    const answer = await fetch(`${stack.apiUrl}/rest/v1/parcels?limit=1`, {
      headers: { apikey: stack.secretKey },
    });
    await answer.body?.cancel();
    return answer.ok;
  };
  let open = false;
  for (let tries = 0; !open && tries < 200; tries++) {
    open = await known();
    if (!open) await new Promise((resolve) => setTimeout(resolve, 50));
  }
  expect(open, "the API knows the shop's tables");
  note({
    actor: "demo",
    tone: "note",
    text: "a shop: tables with row security, and a function place_order()",
  });
}

/** How many rows a table of the shop has. */
export async function rowsIn(
  { sql }: ScenarioContext,
  table: "orders" | "parcels" | "refunds",
): Promise<number> {
  return (await sql`select from public.${sql(table)}`).length;
}
