/** Who may join which of our topics, by the policies of the migration, checked as the Realtime stand-in checks. */
import assert from "node:assert/strict";
import { mayRead, mayWrite } from "../../packages/dev/realtime/authorize.ts";
import type { Machine } from "../support/machine.ts";
import { sqlTest } from "../support/sql-test.ts";

const exp = 0;

async function people(machine: Machine) {
  const [anna, ben] = [await machine.db.createUser(), await machine.db.createUser()];
  const { id } = await machine.submit({ owner_id: anna });
  const server = await machine.submit();
  const as = (sub: string) => ({ sub, role: "authenticated", exp });
  return { anna, ben, id, server: server.id, as };
}

sqlTest("an owner may join the topics of own jobs and nobody else may", async (machine) => {
  const { anna, ben, id, server, as } = await people(machine);
  const may = (topic: string, sub: string) => mayRead(machine.db.admin, topic, as(sub));
  assert.equal(await may(`response-job:${id}`, anna), true);
  assert.equal(await may(`response-job:${id}`, ben), false);
  assert.equal(await may(`response-jobs:${anna}`, anna), true);
  assert.equal(await may(`response-jobs:${anna}`, ben), false);
  assert.equal(await may(`response-job:${server}`, anna), false);
});

sqlTest("topics that only look like one of ours are closed, and break nothing", async (machine) => {
  const { anna, id, as } = await people(machine);
  const near = [
    `response-job:${id}x`,
    `xresponse-job:${id}`,
    `response-job:${id.toUpperCase()}`,
    "response-job:",
    "response-job:42",
    "response-jobs:",
    "response-job:%",
    "room",
    id,
    `response-job:${crypto.randomUUID()}`,
  ];
  for (const topic of near) {
    assert.equal(await mayRead(machine.db.admin, topic, as(anna)), false, topic);
  }
});

sqlTest(
  "anon and a token without a subject may join nothing; a secret key everything",
  async (machine) => {
    const { anna, id } = await people(machine);
    for (const topic of [`response-job:${id}`, `response-jobs:${anna}`, "response-jobs:"]) {
      const may = (role: string) => mayRead(machine.db.admin, topic, { role, exp });
      assert.deepEqual([await may("anon"), await may("authenticated")], [false, false]);
      assert.equal(await may("service_role"), true);
    }
  },
);

sqlTest("nobody may send but who holds the secret key", async (machine) => {
  const { anna, id, as } = await people(machine);
  for (const topic of [`response-job:${id}`, `response-jobs:${anna}`]) {
    assert.equal(await mayWrite(machine.db.admin, topic, as(anna)), false);
    assert.equal(await mayWrite(machine.db.admin, topic, { role: "anon", exp }), false);
    assert.equal(await mayWrite(machine.db.admin, topic, { role: "service_role", exp }), true);
  }
});

sqlTest("policies of the project's own stay as they are", async (machine) => {
  const { anna, ben, id, as } = await people(machine);
  await machine.db.owner`
    create policy rooms on realtime.messages for select to authenticated using ((select realtime.topic()) = 'room')`;
  assert.equal(await mayRead(machine.db.admin, "room", as(ben)), true);
  assert.equal(await mayRead(machine.db.admin, `response-job:${id}`, as(anna)), true);
  assert.equal(await mayRead(machine.db.admin, `response-job:${id}`, as(ben)), false);
});
