/** Runs the SQL of docs/teams.md, unchanged. */
import assert from "node:assert/strict";
import { checkAdvisors } from "../../scripts/check/advisors.ts";
import { withMigratedCluster } from "../../scripts/check/migrated-cluster.ts";
import type { TestDatabase } from "../support/database.ts";
import { callFunction } from "../support/function-call.ts";
import { refused } from "../support/refused.ts";
import { sqlTest } from "../support/sql-test.ts";

const page = await Deno.readTextFile(new URL("../../docs/teams.md", import.meta.url));
const sqlOfThePage = [...page.matchAll(/^```sql\n([^]*?)^```/gm)].map(([, sql]) => sql).join("\n");

interface Team {
  lead: string;
  member: string;
  stranger: string;
  /** The member's job. */
  job: string;
}

async function makeTeam(db: TestDatabase): Promise<Team> {
  await db.owner.unsafe(sqlOfThePage);
  const [lead, member, stranger] = [
    await db.createUser(),
    await db.createUser(),
    await db.createUser(),
  ];
  const team = crypto.randomUUID();
  await db.owner`
    insert into public.team_members (team_id, user_id, role)
    values (${team}, ${lead}, 'lead'), (${team}, ${member}, 'member'), (${crypto.randomUUID()}, ${stranger}, 'lead')`;
  const job = await asService(db, "enqueue_response_job", {
    p_query: "What is new?",
    p_owner_id: member,
  });
  return { lead, member, stranger, job: String(job) };
}

function asService(db: TestDatabase, name: string, args: Record<string, string>): Promise<unknown> {
  return db.asRole("service_role", (sql) => callFunction(sql, `public.${name}`, args));
}

async function jobsSeenBy(db: TestDatabase, user: string): Promise<string[]> {
  const rows = await db.asUser(user, (sql) => sql`select id from public.response_jobs`);
  return rows.map(({ id }) => String(id));
}

sqlTest(
  "members of a team see each other's jobs in the view, a stranger sees nothing",
  async ({ db }) => {
    const { lead, member, stranger, job } = await makeTeam(db);
    assert.deepEqual(await jobsSeenBy(db, lead), [job]);
    assert.deepEqual(await jobsSeenBy(db, member), [job]);
    assert.deepEqual(await jobsSeenBy(db, stranger), []);
    // A final job is in another branch of the view.
    await asService(db, "cancel_response_job", { p_job_id: job, p_owner_id: member });
    assert.deepEqual(await jobsSeenBy(db, lead), [job]);
    assert.deepEqual(await jobsSeenBy(db, stranger), []);
  },
);

sqlTest(
  "each member gets the job by its id, and what is below it, a stranger does not",
  async ({ db }) => {
    const { lead, member, stranger, job } = await makeTeam(db);
    for (const user of [lead, member]) {
      await asService(db, "get_response_job", { p_job_id: job, p_owner_id: user });
      const timeline = await db.asUser(
        user,
        (sql) => sql`select event from public.response_timeline where job_id = ${job}`,
      );
      assert.deepEqual(
        timeline.map(({ event }) => event),
        ["accepted"],
      );
      await db.asUser(user, (sql) => sql`select public.watch_response_job(${job})`);
    }
    await refused(
      asService(db, "get_response_job", { p_job_id: job, p_owner_id: stranger }),
      "DR404",
    );
    await refused(
      db.asUser(stranger, (sql) => sql`select public.watch_response_job(${job})`),
      "DR404",
    );
  },
);

sqlTest(
  "who may see may not therefore act: the lead cancels a member's job, the member not the lead's",
  async ({ db }) => {
    const { lead, member, stranger, job } = await makeTeam(db);
    const ofLead = String(
      await asService(db, "enqueue_response_job", { p_query: "What is new?", p_owner_id: lead }),
    );
    await refused(
      asService(db, "cancel_response_job", { p_job_id: ofLead, p_owner_id: member }),
      "DR404",
    );
    await refused(
      asService(db, "cancel_response_job", { p_job_id: job, p_owner_id: stranger }),
      "DR404",
    );
    await asService(db, "cancel_response_job", { p_job_id: job, p_owner_id: lead });
    const [row] = await db.admin`select status from public.response_jobs where id = ${job}`;
    assert.equal(row?.["status"], "cancelled");
  },
);

sqlTest("what a server does for a user has the user's claims", async ({ db }) => {
  await db.owner.unsafe(sqlOfThePage);
  // Like an adopter whose teams are in the token.
  await db.owner.unsafe(`
    create or replace function durable_responses.visible_owners() returns uuid[]
    language sql stable security definer set search_path = '' as $$
      select array[auth.uid()] || array(
        select id from auth.users
        where id <> auth.uid() and raw_app_meta_data ->> 'team' = auth.jwt() -> 'app_metadata' ->> 'team');
    $$`);
  const [asking, mate, stranger] = [
    await db.createUser("asking@example.com"),
    await db.createUser(),
    await db.createUser(),
  ];
  await db.admin`
    update auth.users set raw_app_meta_data = '{"team": "red"}' where id in (${asking}, ${mate})`;
  const job = String(
    await asService(db, "enqueue_response_job", { p_query: "What is new?", p_owner_id: mate }),
  );
  await asService(db, "get_response_job", { p_job_id: job, p_owner_id: asking });
  await refused(
    asService(db, "get_response_job", { p_job_id: job, p_owner_id: stranger }),
    "DR404",
  );
  const [row] = await db.owner`select durable_responses.owner_claims(${asking}) as claims`;
  assert.deepEqual(row?.["claims"], {
    sub: asking,
    role: "authenticated",
    aud: "authenticated",
    email: "asking@example.com",
    app_metadata: { team: "red" },
  });
});

sqlTest("who leaves the team sees their own jobs only, at once", async ({ db }) => {
  const { lead, member, job } = await makeTeam(db);
  await db.owner`delete from public.team_members where user_id = ${member}`;
  assert.deepEqual(await jobsSeenBy(db, lead), []);
  assert.deepEqual(await jobsSeenBy(db, member), [job]);
});

sqlTest("the functions are evaluated once for a statement, not once for a row", async ({ db }) => {
  const { member } = await makeTeam(db);
  for (let i = 0; i < 20; i++) {
    await asService(db, "enqueue_response_job", {
      p_query: `What is new? ${i}`,
      p_owner_id: member,
    });
  }
  const plan = await db.asUser(
    member,
    (sql) => sql`explain (analyze, format json) select id from public.response_jobs`,
  );
  const nodes = initPlans(plan[0]?.["QUERY PLAN"]);
  assert.ok(nodes.length > 0, "there is no init plan: the functions are asked for each row");
  assert.deepEqual(nodes.filter((loops) => loops > 1), []);
});

/** How often each part of the plan that must run only once (InitPlan) was run. */
function initPlans(node: unknown): number[] {
  if (Array.isArray(node)) return node.flatMap(initPlans);
  if (typeof node !== "object" || node === null) return [];
  const here = "Parent Relationship" in node && node["Parent Relationship"] === "InitPlan" &&
      "Actual Loops" in node
    ? [Number(node["Actual Loops"])]
    : [];
  return [...here, ...Object.values(node).flatMap(initPlans)];
}

Deno.test("the advisors find nothing in a database with the page's SQL", () =>
  withMigratedCluster(async (cluster) => {
    const sql = cluster.connect("postgres", "postgres", { max: 1 });
    try {
      await sql.unsafe(sqlOfThePage);
    } finally {
      await sql.end();
    }
    assert.equal(await checkAdvisors(cluster), undefined);
  }));
