import assert from "node:assert/strict";
import { refused } from "../../support/refused.ts";
import { sqlTest } from "../../support/sql-test.ts";

/** A user never sees these: they may hold instructions, or say how and where we work. */
const hidden = {
  response_jobs: [
    ...["request", "request_hash", "leased_by", "leased_until", "poll_at", "background_until"],
  ],
  response_attempts: ["worker", "request_id", "error_type", "cancel_pending"],
  response_steps: ["item", "call_key"],
};

/** A user's client needs these. */
const visible = {
  response_jobs: [
    ...["id", "status", "profile", "input", "metadata", "attempt", "fallback_reason"],
    ...["output_text", "output", "output_parsed", "usage", "error_code", "error_message"],
    ...["error_hint", "created_at", "updated_at", "finished_at", "deadline", "run_at"],
  ],
  response_attempts: [
    ...["job_id", "number", "mode", "outcome", "error_code", "error_message", "usage"],
    ...["started_at", "finished_at"],
  ],
  response_steps: [
    ...["job_id", "number", "attempt", "kind", "status", "server_label", "tool", "arguments"],
    ...["output", "error", "answer", "answered_by", "answered_at", "started_at", "finished_at"],
  ],
};

for (const table of ["response_jobs", "response_attempts", "response_steps"] as const) {
  sqlTest(
    `a user cannot select the hidden columns of ${table}, alone, in a condition or with *`,
    async ({ db }) => {
      const user = await db.createUser();
      for (const column of hidden[table]) {
        for (
          const statement of [
            `select ${column} from public.${table}`,
            `select 1 from public.${table} where ${column} is not null`,
            `select 1 from public.${table} order by ${column}`,
          ]
        ) {
          await refused(db.asUser(user, (sql) => sql.unsafe(statement)), "42501");
        }
      }
      await refused(db.asUser(user, (sql) => sql.unsafe(`select * from public.${table}`)), "42501");
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
