import assert from "node:assert/strict";
import type { Machine } from "../../support/machine.ts";
import { refused } from "../../support/refused.ts";
import { sqlTest } from "../../support/sql-test.ts";

const names = {
  url: "durable_responses_project_url",
  secret: "durable_responses_worker_secret",
};

async function keepSecret({ db }: Machine, value: string, name: string): Promise<void> {
  await db.owner`select vault.create_secret(${value}, ${name})`;
}

// pg_cron runs it as the job's owner, postgres.
async function wake({ db, clock }: Machine): Promise<unknown> {
  return await db.owner.begin(async (sql) => {
    await clock.pin(sql);
    const [row] = await sql`select public.wake_response_worker() as id`;
    return row?.["id"];
  });
}

async function queue({ db }: Machine) {
  return [
    ...await db.admin`
      select id, method::text, url, headers, convert_from(body, 'utf8')::jsonb as body from net.http_request_queue
    `,
  ];
}

sqlTest("with nothing due no request is made and no secret is needed", async (machine) => {
  assert.equal(await wake(machine), null);
  assert.deepEqual(await queue(machine), []);
});

sqlTest(
  "with work due it queues one post to run-jobs that carries the worker secret",
  async (machine) => {
    await keepSecret(machine, "https://project.example/", names.url);
    await keepSecret(machine, "worker-secret", names.secret);
    for (let jobs = 0; jobs < 3; jobs++) await machine.submit();
    const id = await wake(machine);
    const [request, ...others] = await queue(machine);
    assert.equal(others.length, 0);
    assert.equal(request?.["id"], id);
    assert.equal(request?.["method"], "POST");
    assert.equal(request?.["url"], "https://project.example/functions/v1/run-jobs");
    assert.deepEqual(request?.["headers"], {
      "content-type": "application/json",
      "x-worker-secret": "worker-secret",
    });
    assert.deepEqual(request?.["body"], { source: "cron" });
  },
);

for (const [missing, there] of [["url", "secret"], ["secret", "url"]] as const) {
  sqlTest(
    `work that is due without the Vault secret ${names[missing]} is an error that names it`,
    async (machine) => {
      await keepSecret(machine, "something", names[there]);
      await machine.submit();
      const error = await refused(wake(machine), "DR500");
      assert.match(error.message, new RegExp(names[missing]));
      assert.match(error.hint ?? "", /durable-responses connect/);
      assert.ok(!error.message.includes("something"));
      assert.deepEqual(await queue(machine), []);
    },
  );
}

sqlTest("no API role can wake the worker or prune", async (machine) => {
  for (const role of ["anon", "authenticated", "service_role"] as const) {
    for (const name of ["wake_response_worker", "prune_response_jobs"]) {
      await refused(
        machine.db.asRole(role, (sql) => sql.unsafe(`select public.${name}()`)),
        "42501",
      );
    }
  }
});
