/** What the claim in app_metadata opens. Nothing that only looks like it opens anything. */
import assert from "node:assert/strict";
import type { JSONValue } from "postgres";
import { z } from "zod";
import { mayRead, mayWrite } from "../../../packages/dev/realtime/authorize.ts";
import type { Machine } from "../../support/machine.ts";
import { refused } from "../../support/refused.ts";
import { sqlTest } from "../../support/sql-test.ts";

const operatorClaim = { durable_responses: "operator" };

/** Claims of a user who owns nothing, with this app_metadata. */
function claimsWith(app_metadata: JSONValue) {
  return { sub: crypto.randomUUID(), role: "authenticated", app_metadata };
}

/** Two jobs of others, one of them running, with a route and a worker. */
async function someWork(machine: Machine): Promise<{ id: string }> {
  await machine.submitBackground("resp_1", { owner_id: await machine.db.createUser() });
  const { id } = await machine.submitRunning({ owner_id: await machine.db.createUser() });
  return { id };
}

const overview = z.strictObject({
  started_at: z.string(),
  health: z.looseObject({
    background: z.number(),
    running: z.number(),
    answer_p95_s: z.number().nullable(),
    oldest_due_s: z.number().nullable(),
  }),
  cron: z.array(z.looseObject({ name: z.string(), schedule: z.string(), last_at: z.unknown() })),
  net: z.looseObject({ answers_1h: z.number(), failures_1h: z.number() }),
});

for (
  const [metadata, sees] of [
    [operatorClaim, true],
    [{ durable_responses: "other" }, false],
    [{ durable_responses: null }, false],
    [{ durable_responses: ["operator"] }, false],
    [{ operator: true }, false],
  ] as const
) {
  sqlTest(
    `app_metadata ${JSON.stringify(metadata)} shows ${
      sees ? "everybody's" : "none"
    } of others' jobs, routes and workers`,
    async (machine) => {
      await someWork(machine);
      for (
        const [table, count] of [
          ["response_jobs", 2],
          ["response_attempts", 2],
          ["response_routes", 1],
          ["response_workers", 1],
        ] as const
      ) {
        const rows = await machine.db.asRole(
          "authenticated",
          (sql) => sql.unsafe(`select 1 from public.${table}`),
          claimsWith(metadata),
        );
        assert.equal(rows.length, sees ? count : 0, table);
      }
    },
  );
}

sqlTest(
  "an operator sees the overview, as a secret key does, and it has no secret",
  async (machine) => {
    await someWork(machine);
    await machine.db.owner`
    select public.connect_response_worker('http://localhost:1', 'a-secret-of-the-worker')`;
    const operator = await machine.db.asRole(
      "authenticated",
      (sql) => sql`select public.response_overview() as found`,
      claimsWith(operatorClaim),
    );
    const { health, cron } = overview.parse(operator[0]?.["found"]);
    assert.deepEqual([health.background, health.running], [1, 1]);
    assert.ok(cron.some(({ name }) => name === "durable-responses-wake"));
    assert.doesNotMatch(JSON.stringify(operator), /a-secret-of-the-worker/);
    const server = await machine.asService((sql) =>
      sql`select public.response_overview() as found`
    );
    overview.parse(server[0]?.["found"]);
  },
);

sqlTest("nobody else sees the overview", async (machine) => {
  await someWork(machine);
  const ask = (role: "anon" | "authenticated", claims: Record<string, JSONValue>) =>
    refused(
      machine.db.asRole(role, (sql) => sql`select public.response_overview()`, claims),
      "42501",
    );
  await ask("anon", claimsWith(operatorClaim));
  await ask("authenticated", {});
  await ask("authenticated", claimsWith({}));
  await ask("authenticated", claimsWith({ durable_responses: "other" }));
  // user_metadata does not count, because users can write it themselves.
  await ask("authenticated", { ...claimsWith({}), user_metadata: operatorClaim });
});

sqlTest("an operator changes no table but watches", async (machine) => {
  await someWork(machine);
  for (
    const statement of [
      "update public.response_routes set breaker = 'closed'",
      "delete from public.response_workers",
      "update durable_responses.jobs set priority = 100",
      "update durable_responses.waits set priority = 100",
      "select * from public.response_settings",
      "select * from public.response_health",
      "select public.response_doctor()",
    ]
  ) {
    await refused(
      machine.db.asRole(
        "authenticated",
        (sql) => sql.unsafe(statement),
        claimsWith(operatorClaim),
      ),
      "42501",
    );
  }
});

sqlTest("an operator watches another's job live, and sends nothing", async (machine) => {
  const { id } = await someWork(machine);
  const claims = claimsWith(operatorClaim);
  for (let call = 0; call < 2; call++) {
    await machine.db.asRole(
      "authenticated",
      (sql) => sql`select public.watch_response_job(${id})`,
      claims,
    );
  }
  const topic = `response-job:${id}`;
  assert.equal(await mayRead(machine.db.admin, topic, { ...claims, exp: 0 }), true);
  assert.equal(await mayWrite(machine.db.admin, topic, { ...claims, exp: 0 }), false);
  const missing = `response-job:${crypto.randomUUID()}`;
  assert.equal(await mayRead(machine.db.admin, missing, { ...claims, exp: 0 }), false);
  const { sub } = claimsWith({});
  assert.equal(
    await mayRead(machine.db.admin, topic, { sub, role: "authenticated", exp: 0 }),
    false,
  );
});
