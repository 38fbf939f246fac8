/** An upgrade with jobs in flight: functions and schema have different versions. See docs/operating.md, "Upgrading". */
import assert from "node:assert/strict";
import type { TestDatabase } from "../support/database.ts";
import { type Arguments, callFunction } from "../support/function-call.ts";
import { refused } from "../support/refused.ts";
import { sqlTest } from "../support/sql-test.ts";
import { schemaMajor } from "../../supabase/functions/_durable_responses/db/schema-version.ts";

const output = [{ type: "message", content: [{ type: "output_text", text: "Hello" }] }];

/** The functions as deployed: each calls SQL with the major version that it is written for. */
function functionsOf(db: TestDatabase, major: number) {
  const call = (name: string, args: Arguments) =>
    db.asRole("service_role", (sql) => callFunction(sql, `public.${name}`, args));
  return {
    async submit(mode = "synchronous"): Promise<string> {
      const job = { schema_major: major, profile: "default", input: "hello", mode };
      const answer = await db.asRole(
        "service_role",
        (sql) => sql`select public.submit_response_job(${sql.json(job)}) as it`,
      );
      return answer[0]?.["it"].job.id;
    },
    async claim(): Promise<{ id: string; attempt: number }[]> {
      const answer = await db.asRole(
        "service_role",
        (sql) => sql`select public.claim_response_work('w', 10, p_schema_major => ${major}) as it`,
      );
      return answer[0]?.["it"].jobs;
    },
    record: (id: string, responseId: string) =>
      call("record_background_response", {
        p_job_id: id,
        p_attempt: 1,
        p_response_id: responseId,
      }),
    webhook: (responseId: string) =>
      call("claim_background_job", { p_response_id: responseId, p_schema_major: major }),
    renew: (id: string, attempt: number) =>
      db.asRole(
        "service_role",
        (sql) =>
          sql`select public.renew_response_leases('w', ${sql.json([{ id, attempt }])}) as it`,
      ),
    complete: (id: string, attempt: number) =>
      db.asRole(
        "service_role",
        (sql) =>
          sql`select public.complete_response_job(${id}, ${attempt}, 'resp_1', ${
            sql.json(output)
          }, 'Hello')`,
      ),
  };
}

/** One job in each of the three states that functions write to by themselves. */
async function jobsInFlight(functions: ReturnType<typeof functionsOf>) {
  const running = await functions.submit();
  const [work] = await functions.claim();
  assert.equal(work?.id, running);
  const background = await functions.submit("background");
  await functions.record(background, "resp_in_flight");
  return { running, background, queued: await functions.submit() };
}

/** Everything that is stored about jobs, as text. */
async function everything(db: TestDatabase): Promise<string> {
  const [row] = await db.admin`
    select jsonb_build_object(
      'jobs', (select jsonb_agg(j order by j.id) from durable_responses.jobs j),
      'waits', (select jsonb_agg(w order by w.job_id) from durable_responses.waits w),
      'attempts', (select jsonb_agg(a order by a.job_id, a.number) from durable_responses.attempts a),
      'steps', (select jsonb_agg(s order by s.job_id, s.number) from public.response_steps s),
      'keys', (select count(*) from durable_responses.idempotency_keys))::text as it`;
  return row?.["it"];
}

async function statuses(db: TestDatabase): Promise<string[]> {
  const rows = await db.admin`select status from public.response_jobs order by id`;
  return rows.map(({ status }) => String(status));
}

/** Sets the version as a migration of a later release would. */
async function raiseTo(db: TestDatabase, major: number, minor: number): Promise<void> {
  await db.owner.unsafe(`
    create or replace function public.response_schema_version() returns jsonb
    language sql immutable set search_path = '' as $$
      select jsonb_build_object('major', ${major}, 'minor', ${minor});
    $$;
    create or replace function durable_responses.check_schema_major(p_expected integer) returns void
    language plpgsql immutable set search_path = '' as $$
    begin
      if p_expected <> ${major} then
        raise exception using errcode = 'DR426',
          message = format('Cannot work with this schema: the functions expect version %s', p_expected);
      end if;
    end;
    $$`);
}

sqlTest(
  "the functions of this repository are written for the schema of this repository",
  async ({ db }) => {
    const [row] = await db.asRole(
      "service_role",
      (sql) => sql`select public.response_schema_version() as it`,
    );
    assert.equal(row?.["it"].major, schemaMajor);
  },
);

sqlTest(
  "a minor version more, with jobs in flight: the functions of before work on",
  async ({ db }) => {
    const before = functionsOf(db, 1);
    const { running, background, queued } = await jobsInFlight(before);
    // What a minor release may add: a column, an index, a status that only new functions know.
    await db.owner.unsafe(`
    alter table durable_responses.jobs add column labels text[] not null default '{}';
    create index jobs_labels on durable_responses.jobs using gin (labels);
    insert into durable_responses.statuses (status, clock_stops, waits_for) values ('awaiting_weather', true, 'sunshine');
    insert into durable_responses.transitions values ('running', 'awaiting_weather', 'rain')`);
    await raiseTo(db, 1, 1);
    await before.renew(running, 1);
    await before.complete(running, 1);
    const late = await before.submit();
    const claimed = await before.claim();
    assert.deepEqual(claimed.map(({ id }) => id).sort(), [queued, late].sort());
    for (const { id, attempt } of claimed) await before.complete(id, attempt);
    await before.webhook("resp_in_flight");
    await before.complete(background, 1);
    assert.deepEqual(await statuses(db), ["completed", "completed", "completed", "completed"]);
  },
);

sqlTest(
  "functions of a later minor on this schema: what it does not have yet touches nothing, all else goes on",
  async ({ db }) => {
    const functions = functionsOf(db, 1);
    const { running, background, queued } = await jobsInFlight(functions);
    const before = await everything(db);
    // PostgREST reports this as PGRST202, which the functions read as schema_mismatch: tests/functions/db/client.test.ts.
    const later = (name: string, args: Arguments) =>
      db.asRole(
        "service_role",
        (sql) => callFunction(sql, `public.${name}`, { ...args, p_labels: "new" }),
      );
    await refused(later("claim_response_work", { p_worker: "w", p_limit: 10 }), "42883");
    await refused(
      later("complete_response_job", { p_job_id: running, p_attempt: 1, p_response_id: "r" }),
      "42883",
    );
    await refused(later("claim_background_job", { p_response_id: "resp_in_flight" }), "42883");
    assert.equal(await everything(db), before);

    await functions.renew(running, 1);
    await functions.complete(running, 1);
    const [work] = await functions.claim();
    assert.equal(work?.id, queued);
    await functions.complete(queued, 1);
    await functions.webhook("resp_in_flight");
    await functions.complete(background, 1);
    assert.deepEqual(await statuses(db), ["completed", "completed", "completed"]);
  },
);

sqlTest(
  "functions that expect another major are refused with DR426, and no row is touched",
  async ({ db }) => {
    const right = functionsOf(db, 1);
    const { running, background } = await jobsInFlight(right);
    const before = await everything(db);
    const ahead = functionsOf(db, 2);
    await refused(ahead.submit(), "DR426");
    await refused(ahead.submit("background"), "DR426");
    await refused(ahead.claim(), "DR426");
    const error = await refused(ahead.webhook("resp_in_flight"), "DR426");
    assert.match(error.message, /the functions expect version 2 and the database has version 1/);
    assert.match(error.hint ?? "", /apply the migrations first, then deploy the functions/);
    assert.equal(await everything(db), before);

    // The functions of the right version, deployed again, continue where they were.
    await right.complete(running, 1);
    await right.webhook("resp_in_flight");
    await right.complete(background, 1);
    for (const { id, attempt } of await right.claim()) await right.complete(id, attempt);
    assert.deepEqual(await statuses(db), ["completed", "completed", "completed"]);
  },
);

sqlTest(
  "migrations first: functions of the old major take nothing new, what they run may end, the new ones continue",
  async ({ db }) => {
    const old = functionsOf(db, 1);
    const { running, background, queued } = await jobsInFlight(old);
    await raiseTo(db, 2, 0);
    await refused(old.submit(), "DR426");
    await refused(old.claim(), "DR426");
    // A run in flight has done its work, and may have sent something, so its result is accepted.
    await old.renew(running, 1);
    await old.complete(running, 1);
    assert.deepEqual(await statuses(db), ["completed", "background", "queued"]);

    const next = functionsOf(db, 2);
    const [work] = await next.claim();
    assert.equal(work?.id, queued);
    await next.complete(queued, 1);
    await next.webhook("resp_in_flight");
    await next.complete(background, 1);
    assert.deepEqual(await statuses(db), ["completed", "completed", "completed"]);
  },
);
