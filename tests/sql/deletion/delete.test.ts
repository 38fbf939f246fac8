/** One job, or all jobs of a user, are deleted permanently. What comes for them afterwards is refused. */
import assert from "node:assert/strict";
import { z } from "zod";
import { flagsOf } from "../../support/job-state.ts";
import { awaitApproval, callStep, fenced, saveSteps } from "../../support/ledger.ts";
import { submitted } from "../../support/machine-shapes.ts";
import {
  isFinal,
  jobStatuses,
} from "../../../supabase/functions/_durable_responses/model/status.ts";
import { type Machine, someError } from "../../support/machine.ts";
import { refused } from "../../support/refused.ts";
import { sqlTest } from "../../support/sql-test.ts";

const outcome = z.object({ cancelled: z.number(), deleted: z.number(), left: z.boolean() });
const deleteOwner = async (m: Machine, owner: string, limit = 1000) =>
  outcome.parse(await m.call("delete_response_owner", { p_owner_id: owner, p_limit: limit }));
const deleteJob = (m: Machine, id: string, args = {}) =>
  m.call("delete_response_job", { p_job_id: id, p_as_service: true, ...args });
const pendingCancels = async (m: Machine) =>
  z.array(z.looseObject({ job_id: z.string(), attempt: z.number(), response_id: z.string() }))
    .parse(await m.call("claim_pending_cancels", { p_limit: 20 }))
    .map(({ job_id, attempt, response_id }) => ({ job_id, attempt, response_id }));
const runDeletions = (m: Machine) =>
  m.db.owner`select public.run_response_deletions() as found`.then(([row]) => row?.["found"]);

/** Every table with a job or owner column that still has a row of these. */
async function traces(m: Machine, ids: string[]): Promise<string[]> {
  const columns = await m.db.owner<{ relation: string; name: string }[]>`
    select c.oid::regclass::text as relation, a.attname as name
    from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relkind = 'r' and c.relnamespace in ('public'::regnamespace, 'durable_responses'::regnamespace)
      and (a.attname in ('owner_id', 'owner_key', 'job_id', 'topic')
        or c.oid = 'durable_responses.jobs'::regclass and a.attname in ('id', 'retry_of'))`;
  const found: string[] = [];
  for (const { relation, name } of columns) {
    const [row] = await m.db.owner.unsafe(
      `select count(*)::int as rows from ${relation} where ${name}::text ~ $1`,
      [ids.join("|")],
    );
    if (row?.["rows"] > 0) found.push(`${relation}.${name}`);
  }
  return found.sort();
}

for (const status of jobStatuses) {
  if (isFinal({ status })) {
    sqlTest(`a job that is ${status} is deleted with all that it had`, async (m) => {
      const id = await m.jobIn(status);
      assert.deepEqual(await deleteJob(m, id), { id, deleted: true });
      const left = await traces(m, [id]);
      assert.deepEqual(left.filter((name) => !name.includes("upstream_cancels")), [
        "durable_responses.tombstones.job_id",
      ]);
      await refused(deleteJob(m, id), "DR404");
      await refused(m.call("get_response_job", { p_job_id: id, p_as_service: true }), "DR404");
      await refused(m.call("retry_response_job", { p_job_id: id, p_as_service: true }), "DR404");
    });
  } else {
    sqlTest(`a job that is ${status} must be cancelled before it is deleted`, async (m) => {
      const id = await m.jobIn(status);
      await refused(deleteJob(m, id), "DR409");
    });
  }
}

sqlTest("a user deletes their own jobs and nobody else's", async (m) => {
  const [owner, stranger] = [await m.db.createUser(), await m.db.createUser()];
  const work = await m.submitRunning({ owner_id: owner });
  await m.fail(work);
  const as = (p_owner_id: string) => ({ p_owner_id, p_as_service: false });
  await refused(deleteJob(m, work.id, as(stranger)), "DR404");
  assert.deepEqual(await deleteJob(m, work.id, as(owner)), { id: work.id, deleted: true });
});

sqlTest("a cancel at OpenAI outlives its job, and so does its confirmation", async (m) => {
  const { id } = await m.submitBackground("resp_1");
  await m.call("cancel_response_job", { p_job_id: id, p_as_service: true });
  await deleteJob(m, id);
  assert.equal(await m.call("response_work_due"), true);
  assert.deepEqual(await pendingCancels(m), [{ job_id: id, attempt: 1, response_id: "resp_1" }]);
  await m.call("confirm_upstream_cancel", { p_job_id: id, p_attempt: 1 });
  m.clock.advance(3_600_000);
  assert.deepEqual(await pendingCancels(m), []);
});

sqlTest(
  "a cancel of a deleted job that OpenAI never confirms does not stop the others",
  async (m) => {
    const { id } = await m.submitBackground("resp_1");
    await m.call("cancel_response_job", { p_job_id: id, p_as_service: true });
    await deleteJob(m, id);
    await m.db
      .owner`update durable_responses.upstream_cancels set tries = 20, last_error = 'words of the job'`;
    const { id: other } = await m.submitBackground("resp_2");
    await m.call("cancel_response_job", { p_job_id: other, p_as_service: true });
    assert.deepEqual(await pendingCancels(m), [{
      job_id: other,
      attempt: 1,
      response_id: "resp_2",
    }]);
    // An operator is told, but not what the job was about.
    const [flag, ...more] = await flagsOf(m.db.owner, id);
    assert.deepEqual(more, []);
    assert.equal(flag?.["code"], "cancel_unconfirmed");
    assert.equal(
      flag?.["detail"],
      "OpenAI did not confirm the cancel of response resp_1 (attempt 1 of a deleted job) in 20 tries",
    );
    const prune = () =>
      m.db.owner.begin(async (sql) => {
        await m.clock.pin(sql);
        await sql`select public.prune_response_jobs()`;
      });
    await prune();
    assert.equal((await flagsOf(m.db.owner, id)).length, 1);
    m.clock.advance(31 * 86_400_000);
    await prune();
    assert.deepEqual(await flagsOf(m.db.owner, id), []);
  },
);

sqlTest("the flags of a job go with it", async (m) => {
  const id = await m.jobIn("cancelled");
  await m.db.owner`
    insert into public.response_flags (job_id, code, detail, created_at) values (${id}, 'late_call', 'd', now())`;
  await deleteJob(m, id);
  assert.deepEqual(await flagsOf(m.db.owner, id), []);
});

sqlTest("a deleted user's jobs are gone in every state, and nobody else's is", async (m) => {
  const [owner, other] = [await m.db.createUser(), await m.db.createUser()];
  const mine: string[] = [];
  // The queued one comes last, because a claim would take it.
  const states = jobStatuses.filter((status) => status !== "queued");
  for (const status of [...states, "queued" as const]) {
    mine.push(await m.jobIn(status, { owner_id: owner }));
  }
  const others = await m.jobIn("background", { owner_id: other });
  const found = await deleteOwner(m, owner);
  assert.deepEqual(found, { cancelled: 6, deleted: 9, left: false });
  const left = await traces(m, [owner, ...mine]);
  assert.deepEqual(left, [
    "durable_responses.deleted_owners.owner_id",
    "durable_responses.tombstones.job_id",
    "durable_responses.upstream_cancels.job_id",
  ]);
  await m.call("get_response_job", { p_job_id: others, p_as_service: true });
  assert.deepEqual(await deleteOwner(m, owner), { cancelled: 0, deleted: 0, left: false });
});

sqlTest("what runs at OpenAI is cancelled there", async (m) => {
  const owner = await m.db.createUser();
  const { id } = await m.submitBackground("resp_1", { owner_id: owner });
  await deleteOwner(m, owner);
  assert.deepEqual(await pendingCancels(m), [{ job_id: id, attempt: 1, response_id: "resp_1" }]);
});

sqlTest(
  "a response that OpenAI accepts after the deletion is cancelled; so is one that only its webhook tells of",
  async (m) => {
    const owner = await m.db.createUser();
    const { job: { id } } = submitted.parse(
      await m.call("submit_response_job", {
        p_job: { profile: "default", input: "hi", mode: "background", owner_id: owner },
      }),
    );
    await deleteOwner(m, owner);
    const recorded = z.object({ orphaned: z.unknown().transform((found) => found !== null) }).parse(
      await m.call("record_background_response", {
        p_job_id: id,
        p_attempt: 1,
        p_response_id: "resp_9",
      }),
    );
    assert.equal(recorded.orphaned, true);
    assert.deepEqual(await pendingCancels(m), [{ job_id: id, attempt: 1, response_id: "resp_9" }]);
    const claimed = await m.call("claim_background_job", { p_response_id: "resp_9" });
    assert.deepEqual(claimed, { known: false, work: null, abandoned: null });
    const adopted = z.object({ known: z.boolean(), abandoned: z.looseObject({}) }).parse(
      await m.call("adopt_background_response", {
        p_job_id: id,
        p_attempt: 1,
        p_response_id: "resp_9",
      }),
    );
    assert.equal(adopted.known, true);
    // What it did is not stored, because there is no profile to read it with.
    assert.deepEqual([adopted.abandoned["response_id"], adopted.abandoned["profile"]], [
      "resp_9",
      "",
    ]);
  },
);

sqlTest("a response in which a run of a deleted job would go on is cancelled", async (m) => {
  const owner = await m.db.createUser();
  const work = await m.submitRunning({ owner_id: owner });
  await deleteOwner(m, owner);
  const continued = z.object({ orphaned: z.boolean() }).parse(
    await m.call("continue_in_background", { ...fenced(work), p_response_id: "resp_9" }),
  );
  assert.equal(continued.orphaned, true);
  assert.deepEqual(await pendingCancels(m), [{
    job_id: work.id,
    attempt: work.attempt,
    response_id: "resp_9",
  }]);
});

sqlTest("a worker whose job is deleted is refused like one that came late", async (m) => {
  const owner = await m.db.createUser();
  const work = await m.submitRunning({ owner_id: owner });
  await deleteOwner(m, owner);
  assert.equal(await saveSteps(m, work, callStep("started")), false);
  const late = { ...fenced(work), p_error: someError };
  await refused(m.call("retry_response_later", late), "DR410");
  await refused(m.call("fail_response_job", late), "DR410");
  await refused(awaitApproval(m, work), "DR410");
  await refused(
    m.call("complete_response_job", { ...fenced(work), p_response_id: "resp_1", p_output: [] }),
    "DR410",
  );
  const renewed = await m.call("renew_response_leases", {
    p_worker: "worker-1",
    p_jobs: [{ id: work.id, attempt: work.attempt }],
    p_lease_ms: 60_000,
  });
  assert.deepEqual(renewed, []);
});

sqlTest("nothing is accepted of a deleted user, at any entrance", async (m) => {
  const owner = await m.db.createUser();
  const failed = await m.jobIn("failed", { owner_id: owner });
  const background = await m.jobIn("background", { owner_id: owner });
  await m.db.owner`insert into durable_responses.deleted_owners (owner_id) values (${owner})`;
  const job = { profile: "default", input: "hi", owner_id: owner };
  await refused(m.call("submit_response_job", { p_job: job }), "DR411");
  await refused(m.call("submit_response_jobs", { p_jobs: [job] }), "DR411");
  await refused(m.call("enqueue_response_job", { p_query: "hi", p_owner_id: owner }), "DR411");
  await refused(m.call("retry_response_job", { p_job_id: failed, p_as_service: true }), "DR411");
  // Their token is valid until it expires, and so is an operator's.
  for (const p_as_service of [false, true]) {
    const who = { p_job_id: background, p_owner_id: owner, p_as_service };
    await refused(m.call("get_response_job", who), "DR411");
    await refused(m.call("cancel_response_job", who), "DR411");
    await refused(m.call("delete_response_job", who), "DR411");
  }
});

sqlTest(
  "a user whom Auth deletes, or marks as deleted, leaves a row and loses their jobs",
  async (m) => {
    const [gone, marked] = [await m.db.createUser(), await m.db.createUser()];
    const jobs = [
      await m.jobIn("completed", { owner_id: marked }),
      await m.jobIn("queued", { owner_id: gone }),
    ];
    await m.db.owner`delete from auth.users where id = ${gone}`;
    await m.db.owner`update auth.users set deleted_at = now() where id = ${marked}`;
    assert.deepEqual(await runDeletions(m), { deleted: 2, failed: 0, streams: 0 });
    for (const id of jobs) {
      await refused(m.call("get_response_job", { p_job_id: id, p_as_service: true }), "DR404");
    }
  },
);

sqlTest("the deletion of a user never fails because of ours", async (m) => {
  const user = await m.db.createUser();
  await m.db.owner`drop table durable_responses.deleted_owners`;
  await m.db.owner`delete from auth.users where id = ${user}`;
  const rows = await m.db.owner`select from auth.users where id = ${user}`;
  assert.equal(rows.length, 0);
});

sqlTest("a submit that was under way when its user was deleted is found later", async (m) => {
  const owner = await m.db.createUser();
  await deleteOwner(m, owner);
  // Committed after the sweep, by a transaction that had not seen the deletion.
  const late = await m.db.owner`
    with made as (
      insert into durable_responses.jobs (owner_id, profile, input, created_at, route)
      values (${owner}, 'default', '"hi"', now(), 'default') returning id, owner_id)
    insert into durable_responses.waits (job_id, status, due, since, route, priority, owner_id, deadline)
    select id, 'queued', now(), now(), 'default', 0, owner_id, now() + interval '1 day' from made returning job_id`;
  assert.deepEqual(await runDeletions(m), { deleted: 1, failed: 0, streams: 0 });
  await refused(
    m.call("get_response_job", { p_job_id: late[0]?.["job_id"], p_as_service: true }),
    "DR404",
  );
  await m.db
    .owner`update durable_responses.deleted_owners set requested_at = now() - interval '10 minutes'`;
  await runDeletions(m);
  const [row] = await m.db.owner`select done_at from durable_responses.deleted_owners`;
  assert.notEqual(row?.["done_at"], null);
});

sqlTest(
  "a large deletion goes on in steps, and one that fails does not keep others from theirs",
  async (m) => {
    const [many, few] = [await m.db.createUser(), await m.db.createUser()];
    for (let n = 0; n < 5; n++) await m.jobIn("queued", { owner_id: many });
    const other = await m.jobIn("queued", { owner_id: few });
    assert.deepEqual(await deleteOwner(m, many, 2), { cancelled: 2, deleted: 2, left: true });
    const blocked = await m.jobIn("queued", { owner_id: crypto.randomUUID() });
    await m.db.owner.unsafe(`
    create function public.refuse_it() returns trigger language plpgsql as $$ begin raise exception 'not now'; end $$;
    create trigger refuse_it before delete on durable_responses.jobs for each row when (old.id = '${blocked}')
      execute function public.refuse_it();
    insert into durable_responses.deleted_owners (owner_id)
    select owner_id from durable_responses.jobs where id = '${blocked}';
    insert into durable_responses.deleted_owners (owner_id) values ('${few}');`);
    assert.deepEqual(await runDeletions(m), { deleted: 4, failed: 1, streams: 0 });
    await refused(m.call("get_response_job", { p_job_id: other, p_as_service: true }), "DR404");
  },
);
