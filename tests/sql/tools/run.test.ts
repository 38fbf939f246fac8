/** run_sql_tool(): a call and its row in one transaction. The order of its steps matters. */
import assert from "node:assert/strict";
import { eventually } from "../../support/eventually.ts";
import { fenced, held, stepLines, stepsOf } from "../../support/ledger.ts";
import type { Machine } from "../../support/machine.ts";
import type { AttemptKey } from "../../../supabase/functions/_durable_responses/model/job.ts";
import { refused } from "../../support/refused.ts";
import { sqlTest } from "../../support/sql-test.ts";

/** A table of users' things, and functions that change it. */
async function makeThings({ db }: Machine): Promise<void> {
  await db.owner.unsafe(`
    create table public.things (
      id bigint generated always as identity primary key, owner_id uuid not null default auth.uid(), name text,
      constraint no_ghosts check (name <> 'ghost'));
    alter table public.things enable row level security;
    grant select, insert on public.things to authenticated;
    create policy own on public.things to authenticated using (owner_id = auth.uid()) with check (owner_id = auth.uid());
    create function public.add_thing(name text, times integer default 1) returns setof bigint language sql as $$
      insert into things (name) select name from generate_series(1, times) returning id;
    $$;
    create function public.slow_thing(name text) returns void language plpgsql as $$
    begin
      insert into things (name) values (name);
      perform pg_advisory_xact_lock_shared(7);
    end;
    $$;
    create function public.settings() returns jsonb language sql as $$
      select jsonb_build_object('role', current_user, 'uid', auth.uid(), 'headers', current_setting('request.headers', true),
        'search_path', current_setting('search_path'));
    $$;
    create function public.shapes(a integer[], b jsonb, c boolean, d timestamptz default null) returns jsonb language sql as $$
      select jsonb_build_object('a', a[1], 'b', b -> 'x', 'c', c, 'd', d is null);
    $$;
    create function public.too_much() returns text language plpgsql as $$
    begin
      perform public.add_thing('much');
      return repeat('x', 1000001);
    end;
    $$;
    create function public.insist(name text) returns void language plpgsql as $$
    begin
      perform public.add_thing(name);
      assert false, 'it must not be so';
    end;
    $$;
    create function public.raise_canceled() returns void language plpgsql as $$
    begin
      perform public.add_thing('canceled');
      raise exception using errcode = 'query_canceled', message = 'the shop is closed', hint = 'Come back tomorrow';
    end;
    $$;
    create function public.never_ends() returns void language plpgsql as $$
    begin
      perform public.add_thing('endless');
      loop
        begin
          perform pg_sleep(60);
        exception when query_canceled then
          null;
        end;
      end loop;
    end;
    $$;
    create function public.becomes(who text) returns void language plpgsql as $$
    begin
      perform public.add_thing('before');
      perform set_config(case who when 'service_role' then 'role' else 'request.jwt.claims' end, who, true);
      if who = 'service_role' then
        insert into public.things (owner_id, name) values (gen_random_uuid(), 'as service');
      end if;
    end;
    $$;
    create function public.looks_around(who uuid) returns setof public.things language sql as $$
      select * from things where owner_id = who;
    $$;
    create function public.twice(a integer) returns integer language sql as 'select a';
    create function public.twice(a text) returns text language sql as 'select a';
  `);
}

const step = (id = "fc_1") => ({
  item_id: id,
  kind: "function_call",
  effect: "once",
  tool: "t",
  run_by: "worker",
  arguments: "{}",
  call_key: "t",
  item: { type: "function_call", id, call_id: `call_${id}`, name: "t", arguments: "{}" },
});

async function run(
  m: Machine,
  fence: AttemptKey,
  name: string,
  args: Record<string, unknown> = {},
  more: { as?: string; id?: string } = {},
) {
  return Object(
    await m.call("run_sql_tool", {
      ...fenced(fence),
      p_step: step(more.id),
      p_function: `public.${name}`,
      p_arguments: JSON.parse(JSON.stringify(args)),
      p_as: more.as ?? "user",
    }),
  );
}

async function ownersJob(m: Machine): Promise<{ work: AttemptKey; owner: string }> {
  await makeThings(m);
  const owner = await m.db.createUser();
  return { work: await m.submitRunning({ owner_id: owner }), owner };
}

const things = async ({ db }: Machine) =>
  (await db.admin`select owner_id, name from public.things order by id`).map((row) => ({ ...row }));

sqlTest("the call and its row are there, and a repeat finds both", async (m) => {
  const { work, owner } = await ownersJob(m);
  for (let times = 0; times < 2; times++) {
    const answer = await run(m, work, "add_thing", { name: "lamp", times: 2 });
    assert.deepEqual(answer, { output: "[1, 2]", error: null });
  }
  assert.deepEqual(await things(m), [{ owner_id: owner, name: "lamp" }, {
    owner_id: owner,
    name: "lamp",
  }]);
  assert.deepEqual(await stepLines(m, work.id), ["t finished"]);
});

sqlTest(
  "it runs as the owner, with the API's search path and without the worker's headers",
  async (m) => {
    const { work, owner } = await ownersJob(m);
    const answer = await m.asService(async (sql) => {
      await sql`select set_config('request.headers', '{"apikey": "sb_secret_x"}', true)`;
      const [row] = await sql`
      select public.run_sql_tool(${work.id}, ${work.attempt}, ${
        sql.json(step())
      }, 'public.settings', '{}') as answer,
        current_user as role, current_setting('search_path') as path`;
      return Object(row);
    });
    assert.deepEqual(JSON.parse(answer.answer.output), {
      role: "authenticated",
      uid: owner,
      headers: "{}",
      search_path: "public, extensions",
    });
    assert.equal(answer.role, "service_role");
    const service = await run(m, work, "settings", {}, { as: "service", id: "fc_2" });
    assert.equal(JSON.parse(service.output).role, "service_role");
  },
);

sqlTest("arguments come by name, each as the function's own type", async (m) => {
  const { work } = await ownersJob(m);
  const { output } = await run(m, work, "shapes", { c: true, b: { x: [1] }, a: [7, 8] });
  assert.deepEqual(JSON.parse(output), { a: 7, b: [1], c: true, d: true });
});

sqlTest(
  "a function that does not take just these arguments is refused, and names them",
  async (m) => {
    const { work } = await ownersJob(m);
    for (
      const [name, args] of [
        ["add_thing", {}],
        ["add_thing", { name: "x", more: 1 }],
        ["not_there", {}],
        ["twice", { a: 1 }],
      ] as const
    ) {
      const error = await refused(run(m, work, name, args), "DR500");
      assert.match(error.message, new RegExp(`public\\.${name} with the arguments`));
    }
    assert.deepEqual(await stepsOf(m, work.id), []);
  },
);

sqlTest("an assertion of its own that fails is its error, too", async (m) => {
  const { work } = await ownersJob(m);
  const { output, error } = await run(m, work, "insist", { name: "x" });
  assert.deepEqual([output, error], [null, "it must not be so"]);
  const [left] = await m.db.owner`select count(*)::int as things from public.things`;
  assert.equal(left?.["things"], 0);
});

sqlTest("a function that becomes somebody else, and stays it, is undone", async (m) => {
  const { work, owner } = await ownersJob(m);
  await m.db.owner`grant insert on public.things to service_role`;
  const other = await m.db.createUser();
  for (
    const who of ["service_role", "anon", JSON.stringify({ sub: other, role: "authenticated" })]
  ) {
    const { output, error } = await run(m, work, "becomes", { who }, { id: `fc_${who}` });
    assert.deepEqual([output, await things(m)], [null, []], who);
    assert.match(
      error,
      /it changed the role or the claims that it was called with, and was undone/,
    );
  }
  // The next call is the owner's again.
  await run(m, work, "add_thing", { name: "lamp" });
  assert.deepEqual(await things(m), [{ owner_id: owner, name: "lamp" }]);
});

sqlTest("another's rows are neither read nor written, whatever the arguments say", async (m) => {
  const { work, owner } = await ownersJob(m);
  const other = await m.db.createUser();
  await m.db
    .admin`insert into public.things (owner_id, name) values (${other}, 'theirs'), (${owner}, 'own')`;
  const found = async (who: string, as: string, id: string) =>
    JSON.parse((await run(m, work, "looks_around", { who }, { as, id })).output).length;
  assert.equal(await found(other, "user", "fc_1"), 0);
  assert.equal(await found(owner, "user", "fc_2"), 1);
  await m.db.owner`grant select on public.things to service_role`;
  assert.equal(await found(other, "service", "fc_3"), 1);
});

sqlTest("what it throws is its error, and undone", async (m) => {
  const { work } = await ownersJob(m);
  const { output, error } = await run(m, work, "add_thing", { name: "ghost" });
  assert.equal(output, null);
  assert.match(error, /no_ghosts/);
  const large = await run(m, work, "too_much", {}, { id: "fc_2" });
  assert.match(
    large.error,
    /1000001 bytes, and at most 1000000 are accepted; the call was rolled back\. Ask for less/,
  );
  assert.deepEqual(await things(m), []);
  assert.deepEqual(await stepLines(m, work.id), ["t failed", "t failed"]);
});

sqlTest(
  "while it runs its job's wait is not locked, and an attempt that has moved on is undone",
  async (m) => {
    const { work } = await ownersJob(m);
    const blocker = await m.db.admin.reserve();
    try {
      await blocker`select pg_advisory_lock(7)`;
      const late = run(m, work, "slow_thing", { name: "late" }).then(() => undefined, (why) => why);
      await eventually(
        "the tool to run",
        async () =>
          (await m.db.admin`select from pg_stat_activity where wait_event = 'advisory'`).length > 0,
      );
      // Nothing waits for the tool: the lease is renewed, and the job is even handed over.
      const renewed = await m.call("renew_response_leases", {
        p_worker: "worker-1",
        p_jobs: [held(work)],
        p_lease_ms: 30_000,
      });
      assert.deepEqual(renewed, [work.id]);
      await m.call("release_response_jobs", { p_worker: "worker-1", p_jobs: [held(work)] });
      const [again] = await m.claim();
      assert.ok(again);
      await blocker`select pg_advisory_unlock(7)`;
      assert.equal(Object(await late).code, "DR410");
      assert.deepEqual(await things(m), []);
      assert.deepEqual(await run(m, again, "slow_thing", { name: "again" }), {
        output: "",
        error: null,
      });
      assert.deepEqual(
        (await things(m)).map(({ name }) => name),
        ["again"],
      );
    } finally {
      blocker.release();
    }
  },
);

sqlTest("as a user without an owner, or for a late attempt, nothing is called", async (m) => {
  await makeThings(m);
  const work = await m.submitRunning();
  await refused(run(m, work, "add_thing", { name: "x" }), "DR500");
  await refused(
    run(m, { ...work, attempt: work.attempt + 1 }, "add_thing", { name: "x" }, { as: "service" }),
    "DR410",
  );
  assert.deepEqual(await things(m), []);
});

sqlTest(
  "a function that raises query_canceled itself gives the reason in its own words",
  async (m) => {
    const { work } = await ownersJob(m);
    assert.deepEqual(await run(m, work, "raise_canceled"), {
      output: null,
      error: "the shop is closed. Come back tomorrow",
    });
    assert.deepEqual(await things(m), []);
  },
);

sqlTest(
  "a function that lets nothing cancel it loses its session after 9 s, with all that it did",
  async (m) => {
    const { work } = await ownersJob(m);
    // Not in a transaction of the driver, which would want to roll it back.
    const called = m.db.admin`
      select public.run_sql_tool(${work.id}, ${work.attempt}, ${
      m.db.admin.json(step())
    }, 'public.never_ends', '{}')`;
    await assert.rejects(called, /CONNECTION_CLOSED/);
    assert.deepEqual([await things(m), await stepsOf(m, work.id)], [[], []]);
    const [left] = await m.db.admin`
    select count(*)::int as sessions from pg_stat_activity where query like '%never_ends%' and pid <> pg_backend_pid()`;
    assert.equal(left?.["sessions"], 0);
  },
);

sqlTest("the limit of a call's session ends with the call", async (m) => {
  const { work } = await ownersJob(m);
  const limit = await m.asService(async (sql) => {
    await sql`
      select public.run_sql_tool(${work.id}, ${work.attempt}, ${
      sql.json(step())
    }, 'public.settings', '{}')`;
    const [row] = await sql`select current_setting('transaction_timeout') as is`;
    return row?.["is"];
  });
  assert.equal(limit, "0");
});

const giveUp = (m: Machine, work: AttemptKey) =>
  m.call("give_up_sql_tool", { ...fenced(work), p_step: step(), p_error: "too late" });

sqlTest(
  "a call that was given up while it runs is undone, and its repeat finds that",
  async (m) => {
    const { work } = await ownersJob(m);
    const blocker = await m.db.admin.reserve();
    try {
      await blocker`select pg_advisory_lock(7)`;
      const late = run(m, work, "slow_thing", { name: "late" }).then(() => undefined, (why) => why);
      await eventually(
        "the tool to run",
        async () =>
          (await m.db.admin`select from pg_stat_activity where wait_event = 'advisory'`).length > 0,
      );
      const given = { output: null, error: "too late" };
      assert.deepEqual(await giveUp(m, work), given);
      await blocker`select pg_advisory_unlock(7)`;
      assert.equal(Object(await late).code, "40001");
      assert.deepEqual(await run(m, work, "slow_thing", { name: "late" }), given);
      assert.deepEqual([await things(m), await stepLines(m, work.id)], [[], ["t failed"]]);
    } finally {
      blocker.release();
    }
  },
);

sqlTest("a call that has ended is not given up: its outcome counts", async (m) => {
  const { work } = await ownersJob(m);
  const answer = await run(m, work, "add_thing", { name: "lamp" });
  assert.deepEqual(await giveUp(m, work), answer);
  assert.deepEqual(await stepLines(m, work.id), ["t finished"]);
  await refused(giveUp(m, { ...work, attempt: work.attempt + 1 }), "DR410");
});
