/** The later migrations, applied to a database in which the first release has jobs in every state. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { migrate } from "../../packages/dev/postgres/migrate.ts";
import { projectRoot } from "../../packages/dev/postgres/binaries.ts";
import { callFunction } from "../support/function-call.ts";
import { type TestDatabase, withDatabase } from "../support/database.ts";
import { columnsOf, updateJob } from "../support/job-rows.ts";
import { jobStatuses } from "../support/machine-shapes.ts";
import { withProject } from "./support/project.ts";

const LAST_OF_FIRST_RELEASE = "20261123000700";
const inLater = (name: string) => name.slice(0, 14) > LAST_OF_FIRST_RELEASE;

/** Takes the later migrations out of the project and returns a function that puts them back. */
async function holdBack(workdir: string): Promise<() => Promise<void>> {
  const folder = join(workdir, "supabase", "migrations");
  const later: string[] = [];
  for await (const { name } of Deno.readDir(folder)) if (inLater(name)) later.push(name);
  assert.ok(later.length > 0);
  for (const name of later) await Deno.remove(join(folder, name));
  return async () => {
    for (const name of later) {
      await Deno.copyFile(
        join(projectRoot, "supabase", "migrations", name),
        join(folder, name),
      );
    }
  };
}

/** One job in each state, made as the first release makes them. */
async function fill({ owner }: TestDatabase): Promise<Map<string, string>> {
  const ids = new Map<string, string>();
  const call = (name: string, args = {}) => callFunction(owner, `public.${name}`, args);
  const error = { code: "stream_cut", message: "Cannot read" };
  for (const status of jobStatuses) {
    const mode = status === "background" ? "background" : "synchronous";
    const id = crypto.randomUUID();
    await call("submit_response_job", {
      ...{ p_profile: "default", p_input: "hello", p_mode: mode, p_metadata: { id } },
    });
    const [row] = await owner`select id from public.response_jobs where metadata ->> 'id' = ${id}`;
    ids.set(status, row?.["id"]);
    const fence = { p_job_id: row?.["id"], p_attempt: 1 };
    if (status === "background") {
      await call("record_background_response", { ...fence, p_response_id: "resp_live" });
    } else if (status === "cancelled") {
      await call("cancel_response_job", { p_job_id: row?.["id"], p_as_service: true });
    } else if (status !== "queued") {
      await call("claim_response_jobs", { p_worker: "old", p_limit: 1 });
      if (status === "completed") {
        await call("complete_response_job", { ...fence, p_response_id: "r", p_output: [] });
      } else if (status === "failed") await call("fail_response_job", { ...fence, p_error: error });
      else if (status !== "running") {
        await updateJob(owner, row?.["id"], columnsOfFirst(status));
      }
    } else {
      // Out of the way of the claims that follow.
      await owner`update public.response_jobs set run_at = now() + interval '1 hour' where id = ${
        row?.["id"]
      }`;
    }
  }
  return ids;
}

/** No function of the first release brings a job there; an operator may have. */
function columnsOfFirst(status: "awaiting_approval" | "needs_review") {
  const { approval_until: _until, review_reason: _reason, ...columns } = columnsOf(status);
  return columns;
}

const statuses = async ({ owner }: TestDatabase, ids: Map<string, string>) => {
  const rows = await owner`select id, status from public.response_jobs`;
  const byId = new Map(rows.map(({ id, status }) => [id, status]));
  return [...ids].map(([was, id]) => `${was} → ${byId.get(id)}`);
};

Deno.test("later migrations keep the jobs of the first release, in every state, and they go on", async () => {
  await withDatabase((db) =>
    withProject({}, async (workdir) => {
      const putBack = await holdBack(workdir);
      await migrate({ dbUrl: db.url, workdir });
      const ids = await fill(db);
      const final = () =>
        db.owner`
          select id, status, output, error_code, finished_at, updated_at from public.response_jobs
          where finished_at is not null order by id`;
      const before = [...await final()];
      await putBack();
      await migrate({ dbUrl: db.url, workdir });
      assert.deepEqual([...await final()], before);
      assert.deepEqual(await statuses(db, ids), jobStatuses.map((each) => `${each} → ${each}`));

      const call = (name: string, args = {}) => callFunction(db.owner, `public.${name}`, args);
      const as = (status: string, args = {}) => ({
        ...{ p_job_id: ids.get(status), p_as_service: true },
        ...args,
      });
      await db
        .owner`update public.response_jobs set run_at = now() - interval '1 s' where status = 'queued'`;
      await db
        .owner`update public.response_jobs set leased_until = now() where status = 'running'`;
      await call("claim_response_work", { p_worker: "new", p_limit: 10 });
      await call("complete_response_job", {
        ...{ p_job_id: ids.get("background"), p_attempt: 1, p_response_id: "resp_live" },
        p_output: [],
      });
      await call("resolve_response_job", as("needs_review", { p_outcome: "did_not_happen" }));
      await call("cancel_response_job", as("awaiting_approval"));
      await call("retry_response_job", as("failed"));
      assert.deepEqual(await statuses(db, ids), [
        ...["background → completed", "queued → running", "running → queued"],
        ...["awaiting_approval → cancelled", "needs_review → queued"],
        ...["completed → completed", "failed → failed", "cancelled → cancelled"],
      ]);
    }), { migrations: false });
});
