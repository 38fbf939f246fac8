/** What the database announces of a job: which events, on which topics, and that this never stands in a job's way. */
import assert from "node:assert/strict";
import { z } from "zod";
import type { TestDatabase } from "../support/database.ts";
import { sqlTest } from "../support/sql-test.ts";

const message = z.object({
  topic: z.string(),
  event: z.string(),
  private: z.literal(true),
  payload: z.record(z.string(), z.unknown()),
});

/** What was announced on a topic, in order. */
async function announced({ admin }: TestDatabase, topic: string) {
  return z.array(message).parse([
    ...await admin`
      select topic, event, private, payload from realtime.messages where topic = ${topic}
      order by inserted_at, ctid`,
  ]);
}

const statuses = (messages: z.infer<typeof message>[]) =>
  messages.map(({ event, payload }) => `${event} ${payload["status"]}`);

sqlTest(
  "a job is announced to its owner when it is new, and to those who look at it as well when its status changes",
  async (machine) => {
    const { db } = machine;
    const owner = await db.createUser();
    const { id, attempt } = await machine.submitRunning({ p_owner_id: owner });
    await machine.complete({ id, attempt });
    const toOwner = await announced(db, `response-jobs:${owner}`);
    assert.deepEqual(statuses(toOwner), ["job queued", "job running", "job completed"]);
    const toWatchers = await announced(db, `response-job:${id}`);
    assert.deepEqual(statuses(toWatchers), ["job running", "job completed"]);
    const { id: announcedId, attempt: number, profile } = toOwner[0]?.payload ?? {};
    assert.deepEqual([announcedId, number, profile], [id, 0, "default"]);
  },
);

sqlTest("a server's job is announced to its own topic only", async (machine) => {
  const { id } = await machine.submitRunning();
  const topics = await machine.db.admin`select distinct topic from realtime.messages`;
  assert.deepEqual([...topics], [{ topic: `response-job:${id}` }]);
});

sqlTest("a step is announced when it begins and when its status changes", async (machine) => {
  const { db } = machine;
  const owner = await db.createUser();
  const { id, attempt } = await machine.submitRunning({ p_owner_id: owner });
  const save = (status: string, more: object = {}) =>
    machine.call("save_response_steps", {
      p_job_id: id,
      p_attempt: attempt,
      p_steps: [{
        item_id: "call_1",
        kind: "mcp_call",
        effect: "once",
        server_label: "mail",
        tool: "send",
        status,
        ...more,
      }],
    });
  await save("started");
  await save("started", { arguments: "{}" });
  await save("finished", { output: "private matter" });
  const steps = (await announced(db, `response-jobs:${owner}`)).filter(({ event }) =>
    event === "step"
  );
  assert.deepEqual(statuses(steps), ["step started", "step finished"]);
  const { job_id, number, kind, server_label, tool } = steps[1]?.payload ?? {};
  assert.deepEqual([job_id, number, kind, server_label, tool], [id, 1, "mcp_call", "mail", "send"]);
  assert.doesNotMatch(JSON.stringify(steps), /private matter/);
});

sqlTest("a renewed lease is not announced", async (machine) => {
  const { id, attempt } = await machine.submitRunning();
  const before = (await announced(machine.db, `response-job:${id}`)).length;
  await machine.call("renew_response_leases", {
    p_worker: "worker-1",
    p_jobs: [{ id, attempt }],
    p_lease_ms: 30_000,
  });
  assert.equal((await announced(machine.db, `response-job:${id}`)).length, before);
});

sqlTest("jobs that one statement changes are announced one by one", async (machine) => {
  const ids = [(await machine.submit()).id, (await machine.submit()).id];
  await machine.claim("worker-1", 2);
  for (const id of ids) {
    assert.deepEqual(statuses(await announced(machine.db, `response-job:${id}`)), ["job running"]);
  }
});

sqlTest(
  "where its table is another one, Realtime's own function is asked",
  async ({ db, submitRunning }) => {
    await db.admin`alter table realtime.messages add column tenant text not null default 'x'`;
    await db.admin`alter table realtime.messages alter column tenant drop default`;
    await db.admin.unsafe(`
    create or replace function realtime.send(payload jsonb, event text, topic text, private boolean default true)
    returns void language sql as $$
      insert into realtime.messages (payload, event, topic, private, extension, tenant)
      values (payload, event, topic, private, 'broadcast', 'ours') $$`);
    const { id } = await submitRunning();
    assert.deepEqual(statuses(await announced(db, `response-job:${id}`)), ["job running"]);
  },
);

sqlTest("a job goes its way when nothing can be announced", async (machine) => {
  await machine.db.admin`alter table realtime.messages rename to gone`;
  const { id, attempt } = await machine.submitRunning();
  await machine.complete({ id, attempt });
  assert.equal((await machine.row(id))["status"], "completed");
});

sqlTest("a job that any role enqueues is announced", async (machine) => {
  const { db } = machine;
  const owner = await db.createUser();
  await db.owner`create table public.orders (id int)`;
  await db.owner.unsafe(`
    grant insert on public.orders to authenticated;
    create function public.ask() returns trigger language plpgsql security definer set search_path = ''
    as $$ begin perform public.enqueue_response_job('hello', p_owner_id => '${owner}'); return null; end $$;
    create trigger ask after insert on public.orders execute function public.ask();`);
  await db.asUser(owner, (sql) => sql`insert into public.orders values (1)`);
  assert.deepEqual(statuses(await announced(db, `response-jobs:${owner}`)), ["job queued"]);
});
