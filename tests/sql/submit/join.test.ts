/** One thing asked is one job: the same question again joins the existing job, until its answer is read. */
import assert from "node:assert/strict";
import { z } from "zod";
import { callFunction } from "../../support/function-call.ts";
import { type Machine, submission } from "../../support/machine.ts";
import { openTransaction, waitsForLock } from "../../support/open-transaction.ts";
import { refused } from "../../support/refused.ts";
import { sqlTest } from "../../support/sql-test.ts";

const answered = z.object({
  created: z.boolean(),
  joined: z.boolean().default(false),
  job: z.looseObject({ id: z.uuid(), status: z.string() }),
});

async function ask(machine: Machine, owner: string | null, more = {}) {
  return answered.parse(
    await machine.call("submit_response_job", asked(owner, more)),
  );
}

function asked(owner: string | null, more = {}) {
  return submission({ owner_id: owner, request_hash: "hash", joins: true, ...more });
}

const take = (machine: Machine, id: string, who: Record<string, unknown>) =>
  machine.call("take_response_answer", { p_job_id: id, ...who });

async function finish(machine: Machine): Promise<void> {
  const [work] = await machine.claim();
  assert.ok(work);
  await machine.complete(work);
}

sqlTest(
  "the same question joins while the job runs, and for a minute after it",
  async (machine) => {
    const anna = await machine.db.createUser();
    const first = await ask(machine, anna);
    assert.deepEqual([first.created, first.joined], [true, false]);
    const second = await ask(machine, anna);
    assert.deepEqual([second.created, second.joined, second.job.id], [false, true, first.job.id]);
    await finish(machine);
    machine.clock.advance(59_000);
    const late = await ask(machine, anna);
    assert.deepEqual([late.job.id, late.job.status], [first.job.id, "completed"]);
    machine.clock.advance(2_000);
    const anew = await ask(machine, anna);
    assert.deepEqual([anew.created, anew.joined], [true, false]);
    assert.equal((await ask(machine, anna)).job.id, anew.job.id);
  },
);

sqlTest("a request that says that it is a repeat joins for 15 minutes", async (machine) => {
  const anna = await machine.db.createUser();
  const { job } = await ask(machine, anna);
  await finish(machine);
  machine.clock.advance(14 * 60_000);
  const repeat = await ask(machine, anna, { is_repeat: true });
  assert.deepEqual([repeat.joined, repeat.job.id], [true, job.id]);
  machine.clock.advance(2 * 60_000);
  assert.equal((await ask(machine, anna, { is_repeat: true })).created, true);
});

sqlTest("once its owner has taken the answer, the question is a new one", async (machine) => {
  const [anna, ben] = [await machine.db.createUser(), await machine.db.createUser()];
  const { job } = await ask(machine, anna);
  await take(machine, job.id, { p_owner_id: anna });
  assert.equal((await ask(machine, anna)).job.id, job.id, "there was no answer to take");
  await finish(machine);
  // Another user tries to, and a server that acts for nobody.
  await take(machine, job.id, { p_owner_id: ben });
  await take(machine, job.id, {});
  assert.equal((await ask(machine, anna)).job.id, job.id);
  await take(machine, job.id, { p_owner_id: anna });
  // Who asks did not get the answer that was read elsewhere.
  assert.equal((await ask(machine, anna, { is_repeat: true })).job.id, job.id);
  const anew = await ask(machine, anna);
  assert.equal(anew.created, true);
  assert.equal((await ask(machine, anna)).job.id, anew.job.id, "nobody has read the new answer");
});

sqlTest(
  "a failed job that may have acted is joined; one that did nothing is not",
  async (machine) => {
    const call = (effect: string, status: string) => ({
      item_id: "mcp_1",
      kind: "mcp_call",
      status,
      effect,
      server_label: "mailbox",
      tool: "reply",
      call_key: "reply",
    });
    for (
      const [steps, guard, mode, joins] of [
        [[], "always", "synchronous", false],
        [[call("none", "finished")], "always", "synchronous", false],
        [[call("once", "finished")], "always", "synchronous", true],
        [[call("once", "failed")], "always", "synchronous", true],
        [[], "always", "background", false],
        [[], "synchronous", "background", true],
      ] as const
    ) {
      const anna = await machine.db.createUser();
      const { job } = await ask(machine, anna, { guard, mode });
      if (mode === "background") {
        await machine.call("fall_back_response_job", {
          p_job_id: job.id,
          p_attempt: 1,
          p_error: { code: "background_stuck", message: "It is stuck" },
        });
      }
      const [work] = await machine.claim();
      assert.ok(work);
      await machine.call("save_response_steps", {
        p_job_id: work.id,
        p_attempt: work.attempt,
        p_steps: steps,
      });
      await machine.fail(work);
      const again = await ask(machine, anna, { guard, mode });
      assert.equal(again.joined, joins, JSON.stringify([steps, guard, mode]));
      // Whoever tries again at the same moment joins the new one.
      assert.equal((await ask(machine, anna, { guard, mode })).job.id, again.job.id);
      if (!joins) {
        await machine.call("cancel_response_job", { p_job_id: again.job.id, p_owner_id: anna });
      }
    }
  },
);

sqlTest(
  "two users never meet, nor does who has no owner, sends a key or does not join",
  async (machine) => {
    const [anna, ben] = [await machine.db.createUser(), await machine.db.createUser()];
    const answers = [
      await ask(machine, anna),
      await ask(machine, ben),
      await ask(machine, null),
      await ask(machine, null),
      await ask(machine, anna, { idempotency_key: "key" }),
      await ask(machine, anna, { joins: false }),
      await ask(machine, anna, { request_hash: "another" }),
    ];
    assert.deepEqual(answers.map(({ created }) => created), answers.map(() => true));
  },
);

sqlTest("a user at the limit still joins what was accepted", async (machine) => {
  const anna = await machine.db.createUser();
  await machine.asService((sql) =>
    sql`update public.response_settings set max_unfinished_per_user = 1`
  );
  const { job } = await ask(machine, anna);
  assert.equal((await ask(machine, anna)).job.id, job.id);
});

const remove = (machine: Machine, id: string, owner: string) =>
  machine.call("delete_response_job", { p_job_id: id, p_owner_id: owner });

/** What is kept for repeats of a job's request. */
async function kept(machine: Machine, id: string): Promise<number> {
  const rows = await machine.asService((sql) =>
    sql`
    select job_id from durable_responses.open_questions where job_id = ${id}
    union all select job_id from durable_responses.idempotency_keys where job_id = ${id}`
  );
  return rows.length;
}

sqlTest(
  "a repeat after the job was deleted is refused for 15 minutes; a new question is a new job",
  async (machine) => {
    const [anna, ben] = [await machine.db.createUser(), await machine.db.createUser()];
    const { job } = await ask(machine, anna);
    await finish(machine);
    machine.clock.advance(5 * 60_000);
    await remove(machine, job.id, anna);
    const repeat = { is_repeat: true };
    await refused(ask(machine, anna, repeat), "DR414");
    assert.equal((await ask(machine, ben, repeat)).created, true, "it is another user's");
    machine.clock.advance(9 * 60_000);
    await refused(ask(machine, anna, repeat), "DR414");
    // The same submit once more, because the database's answer to the first was lost.
    await refused(ask(machine, anna, { id: job.id }), "DR414");
    machine.clock.advance(2 * 60_000);
    assert.equal((await ask(machine, anna, repeat)).created, true);

    const another = { request_hash: "another" };
    const first = await ask(machine, anna, another);
    await machine.call("cancel_response_job", { p_job_id: first.job.id, p_owner_id: anna });
    await remove(machine, first.job.id, anna);
    const anew = await ask(machine, anna, another);
    assert.equal(anew.created, true);
    assert.equal((await ask(machine, anna, { ...another, ...repeat })).job.id, anew.job.id);
  },
);

sqlTest("a deleted job that failed and did nothing leaves no question behind", async (machine) => {
  const anna = await machine.db.createUser();
  const { job } = await ask(machine, anna);
  const [work] = await machine.claim();
  assert.ok(work);
  await machine.fail(work);
  await remove(machine, job.id, anna);
  assert.equal(await kept(machine, job.id), 0);
  assert.equal((await ask(machine, anna, { is_repeat: true })).created, true);
});

sqlTest(
  "the key of a deleted job is refused for 15 minutes, then free, also in a batch",
  async (machine) => {
    const anna = await machine.db.createUser();
    const keyed = { idempotency_key: "key" };
    const { job } = await ask(machine, anna, keyed);
    await finish(machine);
    machine.clock.advance(3_600_000);
    await remove(machine, job.id, anna);
    machine.clock.advance(14 * 60_000);
    await refused(ask(machine, anna, keyed), "DR414");
    await refused(ask(machine, anna, { ...keyed, request_hash: "another" }), "DR422");
    machine.clock.advance(60_000);
    const anew = await ask(machine, anna, { ...keyed, request_hash: "another" });
    assert.equal(anew.created, true);
    assert.equal((await ask(machine, anna, { ...keyed, request_hash: "another" })).created, false);

    const batch = () =>
      machine.call("submit_response_jobs", {
        p_jobs: [{ profile: "default", input: "hi", owner_id: anna, idempotency_key: "batch" }],
      });
    const made = z.tuple([z.object({ id: z.uuid(), created: z.boolean() })]);
    const [{ id }] = made.parse(await batch());
    await machine.call("cancel_response_job", { p_job_id: id, p_owner_id: anna });
    await remove(machine, id, anna);
    await refused(batch(), "DR414");
    machine.clock.advance(15 * 60_000);
    assert.equal(made.parse(await batch())[0].created, true);
    assert.equal(made.parse(await batch())[0].created, false);
  },
);

sqlTest(
  "what is kept for repeats goes when its time is over, and with its owner",
  async (machine) => {
    const [anna, ben] = [await machine.db.createUser(), await machine.db.createUser()];
    const ids: string[] = [];
    for (
      const [owner, more] of [[anna, {}], [anna, { idempotency_key: "key" }], [ben, {}]] as const
    ) {
      const { job } = await ask(machine, owner, more);
      await machine.call("cancel_response_job", { p_job_id: job.id, p_owner_id: owner });
      await remove(machine, job.id, owner);
      ids.push(job.id);
    }
    const counts = () => Promise.all(ids.map((id) => kept(machine, id)));
    assert.deepEqual(await counts(), [1, 1, 1]);
    await machine.call("delete_response_owner", { p_owner_id: ben });
    assert.deepEqual(await counts(), [1, 1, 0]);
    const sweep = () =>
      machine.db.owner.begin(async (sql) => {
        await machine.clock.pin(sql);
        await sql`select public.run_response_deletions()`;
      });
    await sweep();
    assert.deepEqual(await counts(), [1, 1, 0]);
    machine.clock.advance(15 * 60_000);
    await sweep();
    assert.deepEqual(await counts(), [0, 0, 0]);
  },
);

sqlTest("two who ask at once: the second waits for the first, and joins it", async (machine) => {
  const anna = await machine.db.createUser();
  const [first, second] = [await openTransaction(machine), await openTransaction(machine)];
  try {
    const one = answered.parse(
      await callFunction(first.sql, "public.submit_response_job", asked(anna)),
    );
    const pending = callFunction(second.sql, "public.submit_response_job", asked(anna));
    await waitsForLock(machine, second.pid);
    await first.commit();
    const two = answered.parse(await pending);
    assert.deepEqual([two.created, two.joined, two.job.id], [false, true, one.job.id]);
  } finally {
    await first.rollback();
    await second.rollback();
  }
});

sqlTest(
  "twenty at once are one job; a first that is rolled back leaves the question to the second",
  async (machine) => {
    const anna = await machine.db.createUser();
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(machine, anna)));
    assert.equal(answers.filter(({ created }) => created).length, 1);
    assert.equal(new Set(answers.map(({ job }) => job.id)).size, 1);

    const [first, second] = [await openTransaction(machine), await openTransaction(machine)];
    const args = asked(anna, { request_hash: "rolled back" });
    try {
      await callFunction(first.sql, "public.submit_response_job", args);
      const pending = callFunction(second.sql, "public.submit_response_job", args);
      await waitsForLock(machine, second.pid);
      await first.rollback();
      assert.equal(answered.parse(await pending).created, true);
    } finally {
      await first.rollback();
      await second.rollback();
    }
  },
);
