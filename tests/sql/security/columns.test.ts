import assert from "node:assert/strict";
import { refused } from "../../support/refused.ts";
import { sqlTest } from "../../support/sql-test.ts";

/** A user never sees these, because they may contain instructions, or show how and where we work. */
const hidden = {
  response_jobs: [
    "request",
    "leased_by",
    "leased_until",
    "poll_at",
    "background_until",
    "route",
  ],
  response_attempts: ["worker", "request_id", "error_type"],
  response_steps: ["item", "call_key", "call_repeat", "round"],
};

/** A user's client needs these. */
const visible = {
  response_jobs: [
    "id",
    "status",
    "profile",
    "input",
    "metadata",
    "attempt",
    "fallback_reason",
    "output_text",
    "output",
    "output_parsed",
    "usage",
    "error_code",
    "error_message",
    "error_hint",
    "created_at",
    "updated_at",
    "finished_at",
    "deadline",
    "run_at",
  ],
  response_attempts: [
    "job_id",
    "number",
    "mode",
    "outcome",
    "error_code",
    "error_message",
    "usage",
    "started_at",
    "finished_at",
  ],
  response_steps: [
    "job_id",
    "number",
    "attempt",
    "kind",
    "status",
    "server_label",
    "tool",
    "arguments",
    "output",
    "error",
    "answer",
    "answered_by",
    "answered_at",
    "started_at",
    "finished_at",
  ],
};

/** The table behind each view, with its hidden columns. */
const stored = {
  response_jobs: { table: "durable_responses.jobs", columns: ["request", "route"] },
  response_attempts: { table: "durable_responses.attempts", columns: hidden.response_attempts },
  response_steps: { table: "public.response_steps", columns: hidden.response_steps },
};

for (const table of ["response_jobs", "response_attempts", "response_steps"] as const) {
  sqlTest(
    `a user cannot select the hidden columns of ${table}, alone, in a condition or with *`,
    async ({ db }) => {
      const user = await db.createUser();
      const asUser = (statement: string) => db.asUser(user, (sql) => sql.unsafe(statement));
      for (const column of hidden[table]) {
        // A view does not have them at all.
        const code = table === "response_steps" ? "42501" : "42703";
        await refused(asUser(`select ${column} from public.${table}`), code);
      }
      const { table: behind, columns } = stored[table];
      for (const column of columns) {
        for (
          const statement of [
            `select ${column} from ${behind}`,
            `select 1 from ${behind} where ${column} is not null`,
            `select 1 from ${behind} order by ${column}`,
          ]
        ) {
          await refused(asUser(statement), "42501");
        }
      }
      await refused(asUser(`select * from ${behind}`), "42501");
    },
  );

  sqlTest(`a user can select what a client needs of ${table}`, async ({ db }) => {
    const user = await db.createUser();
    const columns = visible[table].join(", ");
    const rows = await db.asUser(
      user,
      (sql) => sql.unsafe(`select ${columns} from public.${table}`),
    );
    assert.equal(rows.length, 0);
  });
}

sqlTest("what a user may read of jobs and attempts is all that the views have", async ({ db }) => {
  const user = await db.createUser();
  for (const view of ["response_jobs", "response_attempts", "response_timeline"]) {
    await db.asUser(user, (sql) => sql.unsafe(`select * from public.${view}`));
  }
  for (const view of ["response_jobs_internal", "response_attempts_internal", "response_health"]) {
    await refused(db.asUser(user, (sql) => sql.unsafe(`select * from public.${view}`)), "42501");
  }
});
