/** A Supabase project with its own tables and functions adopts this product, works with it, and upgrades it. */
import { supabaseEnvironment } from "../../packages/dev/child-environment.ts";
import assert from "node:assert/strict";
import { join } from "node:path";
import { migrate } from "../../packages/dev/postgres/migrate.ts";
import { findSupabaseCli } from "../../packages/dev/postgres/binaries.ts";
import { runProcess } from "../../packages/dev/processes.ts";
import type { Stack } from "../../packages/dev/stack.ts";
import { otherRelease, packageForFile } from "../cli/support/package.ts";
import { type SupabaseProject, supabaseProject } from "../cli/support/supabase-project.ts";
import { startTestDatabase } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { withStack } from "../support/stack.ts";

const thePackage = packageForFile();
const profilesFile = "functions/_shared/profiles.ts";

const notes = `
  create table public.notes (id bigint generated always as identity primary key, owner_id uuid not null, text text not null);
  alter table public.notes enable row level security;
  create policy notes_owner on public.notes to authenticated using (owner_id = (select auth.uid()));
  grant select on public.notes to authenticated;
`;
const later = "alter table public.notes add column pinned boolean not null default false;";

/** A minor release: a column that earlier functions do not know. */
const minorRelease = `
  alter table durable_responses.jobs add column labels text[] not null default '{}';
  create or replace function public.response_schema_version() returns jsonb
  language sql immutable set search_path = '' as $$ select jsonb_build_object('major', 1, 'minor', 1) $$;
`;

/** A project as an adopter may have it: a table, a later migration, a function that requires a JWT. */
async function notesProject(): Promise<SupabaseProject> {
  const project = await supabaseProject();
  await project.write("migrations/20250101000000_notes.sql", notes);
  await project.write("migrations/20991231000000_pinned.sql", later);
  await project.write(
    "functions/hello/index.ts",
    `Deno.serve(() => Response.json({ hello: "world" }));\n`,
  );
  await project.write(
    "config.toml",
    `${await project.read("config.toml")}\n[functions.hello] # mine\nverify_jwt = true\n`,
  );
  return project;
}

Deno.test("a project that is live takes the migrations in, though some of its own are newer", async () => {
  await using project = await notesProject();
  const database = await startTestDatabase({ migrations: false });
  try {
    await migrate({ dbUrl: database.url, workdir: project.folder });
    await database
      .owner`insert into public.notes (owner_id, text) select gen_random_uuid(), 'kept'`;
    assert.equal((await thePackage().run(["init", "--yes"], { cwd: project.folder })).code, 0);
    // Without --include-all, the CLI refuses migrations older than the newest applied one. init tells people to add it.
    await assert.rejects(up(database.url, project.folder, []), /--include-all/);
    await up(database.url, project.folder, ["--include-all"]);
    await database.owner`select public.enqueue_response_job('hello')`;
    const [note] = await database.owner`select text, pinned from public.notes`;
    assert.deepEqual({ ...note }, { text: "kept", pinned: false });
  } finally {
    await database.stop();
  }
});

Deno.test("an adopted project does the main job, is upgraded while it has jobs, and continues", async () => {
  await using project = await notesProject();
  await using earlier = await otherRelease(thePackage(), "0.0.9", async (supabase) => {
    const file = join(supabase, "functions/_durable_responses/platform/log.ts");
    await Deno.writeTextFile(file, `${await Deno.readTextFile(file)}// 0.0.9\n`);
  });
  await using later = await otherRelease(
    thePackage(),
    "9.0.0",
    (supabase) =>
      Deno.writeTextFile(
        join(supabase, "migrations/20261201000000_durable_responses_later.sql"),
        minorRelease,
      ),
  );
  const first = await earlier.run(["init", "--yes", "--profile", "mcp", "--server", "mailbox"], {
    cwd: project.folder,
  });
  assert.equal(first.code, 0, first.stderr);
  const mine = (await project.read(profilesFile)).replace(
    `require_approval: "always"`,
    `require_approval: "never"`,
  );
  await project.write(profilesFile, mine);

  await withStack({ project: project.folder }, async ({ stack }) => {
    const { id, token } = await stack.createUser();
    const before = await mainJob(stack, token);
    await ownPartsWork(stack, id, token);

    const upgrade = await later.run(["init", "--yes"], { cwd: project.folder });
    assert.match(upgrade.stdout, /^From release 0\.0\.9 to 9\.0\.0:/);
    assert.match(
      upgrade.stdout,
      /\+ supabase\/migrations\/20261201000000_durable_responses_later\.sql/,
    );
    await up(stack.dbUrl, project.folder, ["--include-all"]);
    // Migrations come first, and the earlier functions work with the newer schema.
    await mainJob(stack, token);
    for (const name of ["respond", "openai-webhook", "run-jobs"]) await stack.edge.restart(name);

    assert.equal(await project.read(profilesFile), mine);
    assert.deepEqual((await ask(stack, token, `/${before.id}`)).output_text, before.output_text);
    await mainJob(stack, token);
    await ownPartsWork(stack, id, token);
    const env = { SUPABASE_URL: stack.apiUrl, SUPABASE_SECRET_KEY: stack.secretKey };
    const doctor = await later.run(["doctor"], { cwd: project.folder, env });
    assert.doesNotMatch(doctor.stdout, /^wrong/m);
    assert.match(doctor.stdout, /^ok +schema +version 1\.1, which matches the functions$/m);
    assert.match(doctor.stdout, /^ok +migrations +all 2 are applied$/m);
    assert.equal(doctor.code, 0);
  });
});

interface Job {
  id: string;
  status: string;
  fallback_reason: string | null;
  output_text: string | null;
}

/** The job that this product exists for: background breaks on an MCP tool, and the email is still sent, once. */
async function mainJob(stack: Stack, token: string): Promise<Job> {
  const sent = stack.mailbox.sent.length;
  const query = "Find the latest email about the invoice and reply that it will be paid on Friday";
  const { id } = await ask(stack, token, "", { query });
  const job = await eventually(
    `job ${id}`,
    () => ask(stack, token, `/${id}`),
    ({ status }) => ["completed", "failed", "needs_review"].includes(status),
  );
  assert.equal(job.status, "completed");
  assert.ok(job.fallback_reason);
  assert.equal(stack.mailbox.sent.length, sent + 1);
  return job;
}

async function ask(stack: Stack, token: string, path: string, body?: unknown): Promise<Job> {
  const answer = await fetch(`${stack.functionsUrl}/respond${path}`, {
    method: body === undefined ? "GET" : "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return await answer.json();
}

/** The project's own table, policy and function still work as before. */
async function ownPartsWork(stack: Stack, owner: string, token: string): Promise<void> {
  const sql = stack.database.connect("supabase_admin", "postgres", { max: 1 });
  await sql`insert into public.notes (owner_id, text) values (${owner}, 'mine'), (gen_random_uuid(), 'of another')`;
  const [row] = await sql`select count(*)::int as mine from public.notes where owner_id = ${owner}`;
  await sql.end();
  const headers = { apikey: stack.publishableKey, authorization: `Bearer ${token}` };
  const read = await fetch(`${stack.apiUrl}/rest/v1/notes?select=text,pinned`, { headers });
  assert.equal((await read.json()).length, row?.["mine"]);
  const hello = await fetch(`${stack.functionsUrl}/hello`, { headers });
  assert.deepEqual(await hello.json(), { hello: "world" });
  const stranger = await fetch(`${stack.functionsUrl}/hello`);
  await stranger.body?.cancel();
  assert.equal(stranger.status, 401);
}

/** `supabase migration up`, as the adopter runs it. */
async function up(dbUrl: string, workdir: string, more: string[]): Promise<void> {
  const remote = new URL(dbUrl);
  remote.searchParams.set("sslmode", "disable");
  await runProcess({
    name: "supabase migration up",
    command: await findSupabaseCli(),
    args: ["migration", "up", `--remote=${remote}`, "--yes", "--workdir", workdir, ...more],
    env: supabaseEnvironment(),
  });
}
