/** Every table and view, through the Data API, by every caller: reads, adds, changes and deletes the same row of the user. */
import assert from "node:assert/strict";
import { z } from "zod";
import type { TestStack } from "../../support/stack.ts";
import { apiHeaders, callers, type Credential, credentialsOf } from "./callers.ts";
import { tableUnder } from "./page.ts";

/** How to find a row of the user, and what to change in it. */
interface Sample {
  column: string;
  value: (ids: { job: string; user: string }) => string;
  change: Record<string, unknown>;
}

const byJob: Omit<Sample, "change"> = { column: "job_id", value: ({ job }) => job };
const samples: ReadonlyMap<string, Sample> = new Map<string, Sample>([
  ["response_jobs", { column: "id", value: ({ job }) => job, change: { metadata: {} } }],
  ["response_jobs_internal", { column: "id", value: ({ job }) => job, change: { metadata: {} } }],
  ["response_attempts", { ...byJob, change: { response_id: "r" } }],
  ["response_attempts_internal", { ...byJob, change: { worker: "w" } }],
  ["response_steps", { ...byJob, change: { tool: "t" } }],
  ["response_timeline", { ...byJob, change: { detail: "d" } }],
  ["response_watches", {
    column: "topic",
    value: ({ job }) => topicOf(job),
    change: { watched_until: "2030-01-01" },
  }],
  ["response_flags", { ...byJob, change: { detail: "d" } }],
  ["response_routes", { column: "route", value: () => "a/b/c", change: { max_running: 1 } }],
  ["response_workers", { column: "id", value: () => "w", change: { seen_at: "2030-01-01" } }],
  ["response_settings", { column: "only_row", value: () => "true", change: { max_running: 0 } }],
  ["response_health", { column: "queued", value: () => "", change: { queued: 0 } }],
]);

const topicOf = (job: string) => `response-job:${job}`;
const refusal = z.looseObject({ code: z.string().optional() });

export function testTables(theStack: () => TestStack): void {
  const { columns, rows } = tableUnder("Tables and views");
  assert.deepEqual(columns, [...callers]);

  Deno.test("docs/security.md has a row for every table and view in public", async () => {
    const found = await theStack().sql<{ name: string }[]>`
      select relname as name from pg_class
      where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm', 'f')`;
    assert.deepEqual([...rows.keys()].sort(), found.map(({ name }) => name).sort());
  });

  for (const [table, expected] of rows) {
    Deno.test(`${table}: what docs/security.md says, for each caller`, async () => {
      const credentials = await credentialsOf(theStack());
      const seen: string[] = [];
      for (const caller of callers) {
        const job = await sampleJob(theStack());
        seen.push(await rightsOn(theStack(), table, job, credentials[caller]));
      }
      assert.deepEqual(seen, expected);
    });
  }

  for (const jobs of ["response_jobs", "response_jobs_internal"]) {
    for (const embedded of ["response_attempts", "response_steps"]) {
      Deno.test(`${embedded} embedded in ${jobs}: seen by whoever may read both`, async () => {
        const credentials = await credentialsOf(theStack());
        const job = await sampleJob(theStack());
        const readers = await Promise.all(callers.map(async (caller) => {
          const response = await fetch(
            `${theStack().stack.apiUrl}/rest/v1/${jobs}?select=id,found:${embedded}(job_id)&id=eq.${job}`,
            { headers: apiHeaders(credentials[caller]) },
          );
          if (!response.ok) return void await response.body?.cancel();
          const [row] = z.array(z.object({ found: z.array(z.unknown()) })).parse(
            await response.json(),
          );
          return row && row.found.length > 0 ? caller : undefined;
        }));
        const mayRead = (table: string) =>
          callers.filter((_, at) => rows.get(table)?.[at]?.startsWith("read"));
        assert.deepEqual(
          readers.filter((reader) => reader !== undefined),
          mayRead(jobs).filter((caller) => mayRead(embedded).includes(caller)),
        );
      });
    }
  }
}

/** A job of the user that has a row in every table. */
async function sampleJob({ submit, sql }: TestStack): Promise<string> {
  const { id } = await submit("plain", "hi");
  await sql`
    insert into durable_responses.attempts (job_id, number, mode, outcome, started_at, finished_at)
    values (${id}, 100, 'background', 'lost', now(), now())`;
  await sql`
    insert into public.response_steps (job_id, number, attempt, item_id, kind, status, started_at, finished_at)
    values (${id}, 1, 1, 'item', 'reasoning', 'finished', now(), now())`;
  await sql`
    insert into public.response_watches (topic, watched_until) values (${topicOf(id)}, now())
    on conflict do nothing`;
  await sql`
    insert into public.response_flags (job_id, code, detail, created_at)
    values (${id}, 'late_call', 'd', now())`;
  await sql`
    insert into public.response_workers (id, kind, started_at, seen_at) values ('w', 'edge', now(), now())
    on conflict do nothing`;
  await sql`
    insert into public.response_routes (route, profile, model, created_at, updated_at)
    values ('a/b/c', 'a', 'b', now(), now()) on conflict do nothing`;
  return id;
}

/** `no` if everything is refused, `nothing` if reading is allowed but shows no row, otherwise what works. */
async function rightsOn(
  { stack, user }: TestStack,
  table: string,
  job: string,
  credential: Credential,
): Promise<string> {
  const sample = samples.get(table);
  if (!sample) throw new Error(`Cannot try ${table}: tests/attack/roles/tables.ts has no sample`);
  const url = `${stack.apiUrl}/rest/v1/${table}`;
  const value = sample.value({ job, user: user.id });
  const where = value === "" ? `limit=1` : `${sample.column}=eq.${encodeURIComponent(value)}`;
  const ask = async (method: string, query: string, body?: unknown) => {
    const response = await fetch(`${url}?${query}`, {
      method,
      headers: {
        ...apiHeaders(credential),
        "content-type": "application/json",
        prefer: method === "POST" ? "return=minimal" : "return=representation",
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { ok: response.ok, answer: text === "" ? [] : JSON.parse(text) };
  };
  const rows = ({ ok, answer }: Awaited<ReturnType<typeof ask>>) =>
    ok && z.array(z.unknown()).parse(answer).length > 0;

  const read = await ask("GET", `select=${sample.column}&${where}`);
  const added = await ask("POST", "", {});
  // A caller who is stopped by a constraint was allowed to add a row.
  const mayAdd = added.ok || /^23/.test(refusal.parse(added.answer).code ?? "");
  const changed = await ask("PATCH", `select=${sample.column}&${where}`, sample.change);
  const deleted = await ask("DELETE", `select=${sample.column}&${where}`);
  const rights = [
    ...(rows(read) ? ["read"] : []),
    ...(mayAdd ? ["add"] : []),
    ...(rows(changed) ? ["change"] : []),
    ...(rows(deleted) ? ["delete"] : []),
  ];
  if (rights.length > 0) return rights.join(", ");
  return read.ok ? "nothing" : "no";
}
