import assert from "node:assert/strict";
import { startCron } from "../../packages/dev/postgres/cron.ts";
import { isDue } from "../../packages/dev/postgres/schedule.ts";
import { type TestDatabase, withDatabase } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";

function withCronExtension(run: (database: TestDatabase) => Promise<void>): Promise<void> {
  return withDatabase(async (database) => {
    await database.owner`create extension pg_cron with schema pg_catalog`;
    await run(database);
  }, { migrations: false });
}

const later = (seconds: number) => new Date(Date.now() + seconds * 1000);

Deno.test("cron.schedule takes what pg_cron 1.6 takes and refuses the rest with its message", async () => {
  await withCronExtension(async ({ owner }) => {
    const good = ["1 second", "59 seconds", "* * * * *", "*/5 0-6,12 1 jan-mar mon", "0 0 $ * *"];
    for (const schedule of [...good, "@hourly", "5 4 * * 7", "0-30/10 * * * *"]) {
      await owner`select cron.schedule(${schedule}, 'select 1')`;
    }
    const bad = [
      "",
      "60 seconds",
      "0 seconds",
      "* * * *",
      "60 * * * *",
      "* 24 * * *",
      "5/10 * * * *",
    ];
    for (
      const schedule of [
        ...bad,
        "* * 0 * *",
        "* * * 13 *",
        "* * * * 8",
        "*/0 * * * *",
        "5-1 * * * *",
      ]
    ) {
      await assert.rejects(owner`select cron.schedule(${schedule}, 'select 1')`, {
        code: "22023",
        message: `invalid schedule: ${schedule}`,
        hint: "Use cron format (e.g. 5 4 * * *), or interval format '[1-59] seconds'",
      });
    }
  });
});

Deno.test("a name is scheduled once: again replaces, unschedule removes, and twice is an error", async () => {
  await withCronExtension(async ({ owner, name }) => {
    const [first] = await owner`select cron.schedule('tick', '10 seconds', 'select 1') as id`;
    const [again] = await owner`select cron.schedule('tick', '* * * * *', 'select 2') as id`;
    assert.deepEqual(again, first);
    const jobs =
      await owner`select schedule, command, database, username, active, jobname from cron.job`;
    assert.deepEqual([...jobs.values()], [{
      schedule: "* * * * *",
      command: "select 2",
      database: name,
      username: "postgres",
      active: true,
      jobname: "tick",
    }]);
    await owner`select cron.alter_job(job_id := ${first?.["id"]}, active := false)`;
    assert.equal((await owner`select active from cron.job`)[0]?.["active"], false);
    await owner`select cron.unschedule('tick')`;
    await assert.rejects(owner`select cron.unschedule('tick')`, {
      message: "could not find valid entry for job 'tick'",
    });
  });
});

Deno.test("postgres reads cron.job but cannot write it; API roles cannot see it", async () => {
  await withCronExtension(async ({ owner, asRole }) => {
    await assert.rejects(
      owner`insert into cron.job (schedule, command) values ('* * * * *', 'select 1')`,
      {
        code: "42501",
      },
    );
    await assert.rejects(asRole("authenticated", (sql) => sql`select * from cron.job`), {
      code: "42501",
    });
  });
});

Deno.test("due jobs run as their user and leave a record, failed ones with the error", async () => {
  await withCronExtension(async ({ owner, cluster, name }) => {
    await owner.unsafe(`
      create table public.ran (who text);
      select cron.schedule('good', '10 seconds', 'insert into public.ran values (current_user)');
      select cron.schedule('bad', '10 seconds', 'select 1 / 0');
      select cron.schedule('later', '59 seconds', 'select 1');
    `);
    const cron = await startCron(cluster, { database: name, paused: true });
    try {
      await cron.runDue(later(5));
      assert.equal((await owner`select * from public.ran`).length, 0);
      await cron.runDue(later(11));
      assert.deepEqual([...(await owner`select who from public.ran`).values()], [{
        who: "postgres",
      }]);
      const runs = await owner`
        select jobname, r.status, r.return_message, r.start_time <= r.end_time as timed
        from cron.job_run_details as r join cron.job using (jobid) order by jobname
      `;
      assert.deepEqual([...runs.values()], [
        {
          jobname: "bad",
          status: "failed",
          return_message: "ERROR: division by zero",
          timed: true,
        },
        { jobname: "good", status: "succeeded", return_message: "INSERT 1", timed: true },
      ]);
    } finally {
      await cron.stop();
    }
  });
});

Deno.test("a job never runs twice at once", async () => {
  await withCronExtension(async ({ owner, cluster, name }) => {
    await owner.unsafe(`select cron.schedule('slow', '1 second', 'select pg_advisory_lock(7)')`);
    const holder = await owner.reserve();
    await holder`select pg_advisory_lock(7)`;
    const cron = await startCron(cluster, { database: name, paused: true });
    try {
      const first = cron.runDue(later(2));
      await untilWaiting(owner);
      const second = cron.runDue(later(4));
      const [{ waiting } = { waiting: 0 }] = await waitingSessions(owner);
      assert.equal(waiting, 1);
      await holder`select pg_advisory_unlock(7)`;
      await Promise.all([first, second]);
      assert.equal((await owner`select * from cron.job_run_details`).length, 1);
    } finally {
      holder.release();
      await cron.stop();
    }
  });
});

Deno.test("the clock runs jobs by itself once a second", async () => {
  await withCronExtension(async ({ owner, cluster, name }) => {
    await owner.unsafe(`select cron.schedule('tick', '1 second', 'notify ticked')`);
    const ticked = Promise.withResolvers<void>();
    const { unlisten } = await owner.listen("ticked", () => ticked.resolve());
    const cron = await startCron(cluster, { database: name });
    await ticked.promise;
    await cron.stop();
    await unlisten();
  });
});

Deno.test("schedules are read in UTC, day of month or day of week, '$' as the month's last day", () => {
  const at = (text: string) => new Date(`${text}Z`);
  assert.equal(
    isDue("10 seconds", at("2026-01-01T00:00:00"), at("2026-01-01T00:00:09.999")),
    false,
  );
  assert.equal(isDue("10 seconds", at("2026-01-01T00:00:00"), at("2026-01-01T00:00:10")), true);
  assert.equal(isDue("5 4 * * *", at("2026-01-01T04:04:59"), at("2026-01-01T04:05:00")), true);
  assert.equal(isDue("5 4 * * *", at("2026-01-01T04:05:00"), at("2026-01-02T04:04:59")), false);
  assert.equal(isDue("0 0 $ * *", at("2026-02-27T12:00:00"), at("2026-02-28T00:00:00")), true);
  // 13 January 2026 is a Tuesday; 2 January a Friday.
  assert.equal(isDue("0 0 13 * fri", at("2026-01-01T00:00:00"), at("2026-01-02T00:00:00")), true);
});

type Owner = TestDatabase["owner"];

function waitingSessions(owner: Owner) {
  return owner<{ waiting: number }[]>`
    select count(*)::int as waiting from pg_locks
    where locktype = 'advisory' and not granted and database = (select oid from pg_database where datname = current_database())
  `;
}

async function untilWaiting(owner: Owner): Promise<void> {
  await eventually(
    "a session that waits",
    async () => (await waitingSessions(owner))[0]?.waiting === 1,
  );
}
