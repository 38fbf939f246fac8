/** Ids are UUIDv7: ordered by time, so that new rows share a page and a list by id is a list by time. */
import assert from "node:assert/strict";
import { z } from "zod";
import type { Machine } from "../../support/machine.ts";
import { sqlTest } from "../../support/sql-test.ts";

const idCount = 10_000;

async function makeIds({ db }: Machine, count: number): Promise<string[]> {
  const rows = await db.owner`
    select durable_responses.uuid_v7() as id from generate_series(1, ${count}::int) n order by n`;
  return rows.map(({ id }) => z.string().parse(id));
}

/** The 60 bits of an id that are time, without the version digit. */
const timeOf = (id: string) => BigInt(`0x${id.slice(0, 8)}${id.slice(9, 13)}${id.slice(15, 18)}`);
/** When an id was made, in ms. */
const msOf = (id: string) => Number(timeOf(id) >> 12n);

async function databaseTime({ db }: Machine): Promise<number> {
  const [row] = await db.owner`
    select floor(extract(epoch from clock_timestamp()) * 1000)::text as ms`;
  return Number(row?.["ms"]);
}

sqlTest("10,000 ids are unique, and each says version 7 and the variant", async (m) => {
  const ids = await makeIds(m, idCount);
  assert.equal(new Set(ids).size, idCount);
  for (const id of ids) {
    assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  }
});

sqlTest("an id's time is the database's, and never goes back", async (m) => {
  const before = await databaseTime(m);
  const ids = await makeIds(m, idCount);
  const after = await databaseTime(m);
  for (const id of ids) assert.ok(before <= msOf(id) && msOf(id) <= after, id);
  for (const [index, id] of ids.slice(1).entries()) {
    assert.ok(timeOf(ids[index] ?? id) <= timeOf(id), `${ids[index]} before ${id}`);
  }
});

sqlTest("ids of one millisecond are in order too", async (m) => {
  const ids = await makeIds(m, idCount);
  const within = Map.groupBy(ids, msOf);
  const most = Math.max(...[...within.values()].map((group) => new Set(group.map(timeOf)).size));
  assert.ok(most > 1, "every millisecond has one time only");
});

sqlTest("jobs that come one after the other are in the order of their ids", async (m) => {
  const ids: string[] = [];
  for (let made = 0; made < 20; made++) ids.push((await m.submit()).id);
  const batch = await m.call("submit_response_jobs", {
    p_jobs: Array.from({ length: 20 }, () => ({ profile: "default", input: "hello" })),
  });
  const many = z.array(z.object({ id: z.uuid() })).parse(batch);
  assert.deepEqual([...ids].sort(), ids);
  assert.ok(many.every(({ id }) => id > (ids.at(-1) ?? "")));
});

sqlTest("what is not time is random", async (m) => {
  const tails = (await makeIds(m, idCount)).map((id) => id.slice(19));
  assert.equal(new Set(tails).size, idCount);
  // Each bit of the last 48 is set in about half of them: 350 are 7 standard deviations.
  for (let bit = 0n; bit < 48n; bit++) {
    const set = tails.filter((tail) => BigInt(`0x${tail.slice(-12)}`) >> bit & 1n).length;
    assert.ok(Math.abs(set - idCount / 2) < 350, `bit ${bit} is set in ${set}`);
  }
});
