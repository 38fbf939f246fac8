import assert from "node:assert/strict";
import type { Machine } from "../../support/machine.ts";
import { setting } from "../../support/routes.ts";
import { sqlTest } from "../../support/sql-test.ts";

async function fill(m: Machine, route: string, count: number) {
  for (let made = 0; made < count; made++) await m.submit({ route });
}

const limitRoute = (m: Machine, route: string, limit: number) =>
  m.db.owner`update public.response_routes set max_running = ${limit} where route = ${route}`;

/** Eight workers claim ten jobs each at the same time. @returns how many they got */
async function rush(m: Machine): Promise<number> {
  const claims = await Promise.all(
    Array.from({ length: 8 }, (_, n) => m.claim(`worker-${n}`, 10)),
  );
  return claims.flat().length;
}

sqlTest("one claim serves several routes", async (m) => {
  for (const route of ["a", "b", "c"]) await fill(m, route, 1);
  assert.equal((await m.claim()).length, 3);
});

sqlTest("a route's limit holds, also when many claim at once, and frees up", async (m) => {
  await fill(m, "a", 20);
  await limitRoute(m, "a", 3);
  assert.equal(await rush(m), 3);
  const [running] = await m.db
    .owner`select id, attempt from public.response_jobs where status = 'running'`;
  await m.complete({ id: running?.["id"], attempt: running?.["attempt"] });
  assert.equal(await rush(m), 1);
});

sqlTest("a route's limit does not hold up other routes", async (m) => {
  await fill(m, "a", 5);
  await fill(m, "b", 5);
  await limitRoute(m, "a", 0);
  assert.equal((await m.claim()).length, 5);
});

sqlTest("the limit over all routes holds, however the jobs are spread", async (m) => {
  for (const route of ["a", "b", "c", "d"]) await fill(m, route, 2);
  await setting(m, "max_running", 5);
  assert.equal((await m.claim("worker-1", 10)).length, 5);
  assert.equal((await m.claim("worker-2", 10)).length, 0);
});

sqlTest("the limit over all routes holds when many claim at once", async (m) => {
  for (const route of ["a", "b"]) await fill(m, route, 10);
  await setting(m, "max_running", 7);
  assert.equal(await rush(m), 7);
});

sqlTest("a limit of 0 stops claiming", async (m) => {
  await fill(m, "a", 1);
  await setting(m, "max_running", 0);
  assert.deepEqual(await m.claim(), []);
});
