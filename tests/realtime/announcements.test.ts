/** What the database announces about a watched job: which events, on which topics. About other jobs, nothing. */
import assert from "node:assert/strict";
import { z } from "zod";
import type { TestDatabase } from "../support/database.ts";
import { sqlTest } from "../support/sql-test.ts";
import { watchJob, watchList } from "./support/watching.ts";

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

const call = (status: string, more: Record<string, string> = {}) => ({
  item_id: "call_1",
  kind: "mcp_call",
  effect: "once",
  server_label: "mail",
  tool: "send",
  status,
  ...more,
});

sqlTest("a job that nobody watches announces nothing, whatever happens to it", async (machine) => {
  const { db } = machine;
  const owner = await db.createUser();
  const { id, attempt } = await machine.submitRunning({ owner_id: owner });
  const fence = { p_job_id: id, p_attempt: attempt };
  await machine.call("save_response_steps", { ...fence, p_steps: [call("started")] });
  await machine.call("save_response_steps", { ...fence, p_steps: [call("finished")] });
  await machine.complete({ id, attempt });
  const other = await machine.submit({ owner_id: owner });
  await machine.call("cancel_response_job", { p_job_id: other.id, p_as_service: true });
  assert.equal((await db.admin`select from realtime.messages`).length, 0);
});

sqlTest(
  "whoever watches a list hears of new jobs and of each change, of their own only",
  async (machine) => {
    const { db } = machine;
    const [owner, stranger] = [await db.createUser(), await db.createUser()];
    await watchList(db, owner);
    const { id, attempt } = await machine.submitRunning({ owner_id: owner });
    await machine.complete({ id, attempt });
    await machine.submit({ owner_id: stranger });
    const heard = await announced(db, `response-jobs:${owner}`);
    assert.deepEqual(statuses(heard), ["job queued", "job running", "job completed"]);
    const { id: announcedId, attempt: number, profile } = heard[0]?.payload ?? {};
    assert.deepEqual([announcedId, number, profile], [id, 0, "default"]);
    assert.equal((await db.admin`select from realtime.messages`).length, 3);
  },
);

sqlTest("whoever watches a job hears of that job only", async (machine) => {
  const { db } = machine;
  const owner = await db.createUser();
  const { id } = await machine.submit({ owner_id: owner });
  const other = await machine.submit({ owner_id: owner });
  await watchJob(db, owner, id);
  for (const { id, attempt } of await machine.claim("worker-1", 2)) {
    await machine.complete({ id, attempt });
  }
  assert.deepEqual(statuses(await announced(db, `response-job:${id}`)), [
    "job running",
    "job completed",
  ]);
  assert.deepEqual(await announced(db, `response-job:${other.id}`), []);
});

sqlTest("a server's job is announced to its own topic only", async (machine) => {
  const { id } = await machine.submit();
  await machine.asService((sql) => sql`select public.watch_response_job(${id})`);
  await machine.claim();
  const topics = await machine.db.admin`select distinct topic from realtime.messages`;
  assert.deepEqual([...topics], [{ topic: `response-job:${id}` }]);
});

sqlTest(
  "a step is announced when it begins and when it ends, and says nothing of what it holds",
  async (machine) => {
    const { db } = machine;
    const owner = await db.createUser();
    await watchList(db, owner);
    const { id, attempt } = await machine.submitRunning({ owner_id: owner });
    const save = (step: ReturnType<typeof call>) =>
      machine.call("save_response_steps", { p_job_id: id, p_attempt: attempt, p_steps: [step] });
    await save(call("started"));
    await save(call("started", { arguments: "{}" }));
    await save(call("finished", { output: "private matter" }));
    const steps = (await announced(db, `response-jobs:${owner}`)).filter(({ event }) =>
      event === "step"
    );
    assert.deepEqual(statuses(steps), ["step started", "step finished"]);
    const { job_id, number, kind, server_label, tool } = steps[1]?.payload ?? {};
    assert.deepEqual([job_id, number, kind, server_label, tool], [
      id,
      1,
      "mcp_call",
      "mail",
      "send",
    ]);
    assert.doesNotMatch(JSON.stringify(steps), /private matter/);
  },
);

sqlTest("a renewed lease is not announced", async (machine) => {
  const { id, attempt } = await machine.submitRunning();
  await machine.asService((sql) => sql`select public.watch_response_job(${id})`);
  await machine.call("renew_response_leases", {
    p_worker: "worker-1",
    p_jobs: [{ id, attempt }],
    p_lease_ms: 30_000,
  });
  assert.deepEqual(await announced(machine.db, `response-job:${id}`), []);
});

sqlTest("jobs that one statement changes are announced one by one", async (machine) => {
  const ids = [(await machine.submit()).id, (await machine.submit()).id];
  for (const id of ids) {
    await machine.asService((sql) => sql`select public.watch_response_job(${id})`);
  }
  await machine.claim("worker-1", 2);
  for (const id of ids) {
    assert.deepEqual(statuses(await announced(machine.db, `response-job:${id}`)), ["job running"]);
  }
});

sqlTest("where its table is another one, Realtime's own function is asked", async (machine) => {
  const { db } = machine;
  await db.admin`alter table realtime.messages add column tenant text not null default 'x'`;
  await db.admin`alter table realtime.messages alter column tenant drop default`;
  await db.admin.unsafe(`
    create or replace function realtime.send(payload jsonb, event text, topic text, private boolean default true)
    returns void language sql as $$
      insert into realtime.messages (payload, event, topic, private, extension, tenant)
      values (payload, event, topic, private, 'broadcast', 'ours') $$`);
  const { id } = await machine.submit();
  await machine.asService((sql) => sql`select public.watch_response_job(${id})`);
  await machine.claim();
  assert.deepEqual(statuses(await announced(db, `response-job:${id}`)), ["job running"]);
});

sqlTest("a job goes its way when nothing can be announced", async (machine) => {
  const { id } = await machine.submit();
  await machine.asService((sql) => sql`select public.watch_response_job(${id})`);
  await machine.db.admin`alter table realtime.messages rename to gone`;
  const [work] = await machine.claim();
  await machine.complete({ id, attempt: work?.attempt ?? 0 });
  assert.equal((await machine.row(id))["status"], "completed");
});

sqlTest("a job that any role enqueues is announced", async ({ db }) => {
  const owner = await db.createUser();
  await watchList(db, owner);
  await db.owner`create table public.orders (id int)`;
  await db.owner.unsafe(`
    grant insert on public.orders to authenticated;
    create function public.ask() returns trigger language plpgsql security definer set search_path = ''
    as $$ begin perform public.enqueue_response_job('hello', p_owner_id => '${owner}'); return null; end $$;
    create trigger ask after insert on public.orders execute function public.ask();`);
  await db.asUser(owner, (sql) => sql`insert into public.orders values (1)`);
  assert.deepEqual(statuses(await announced(db, `response-jobs:${owner}`)), ["job queued"]);
});
