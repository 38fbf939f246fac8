import { failures } from "../../supabase/functions/_durable_responses/model/failure.ts";
import assert from "node:assert/strict";
import { sqlTest } from "../support/sql-test.ts";
import {
  mayPass,
  requestErrors,
  sqlstates,
} from "../../supabase/functions/_durable_responses/model/refusals.ts";

const page = await Deno.readTextFile(new URL("../../docs/errors.md", import.meta.url));
const rows = page.split("\n").filter((line) => line.startsWith("| `")).map((line) =>
  line.split("|").slice(1, -1).map((cell) => cell.trim())
);

const bare = (cell = "") => cell.replaceAll("`", "");

Deno.test("docs/errors.md has a row with the status of every request error, and no other", () => {
  const documented = rows.filter((cells) => cells.length === 4);
  const statuses = documented.map(([code, status]) => [bare(code), Number(status)]);
  assert.deepEqual(Object.fromEntries(statuses), requestErrors);
  const repeated = documented.filter(([, , repeat]) => repeat === "yes");
  assert.deepEqual(new Set(repeated.map(([code]) => bare(code))), mayPass);
});

Deno.test("docs/errors.md has a row with class and hint of every failure, and no other", () => {
  const documented = rows.filter((cells) => cells.length === 5).map((
    [code, kind, , , hint],
  ) => [bare(code), { class: kind, hint }]);
  assert.deepEqual(Object.fromEntries(documented), failures);
});

Deno.test("docs/errors.md names every SQLSTATE with what it becomes", () => {
  for (const [state, code] of Object.entries(sqlstates)) {
    assert.match(page.replaceAll("\n", " "), new RegExp(`\`${state}\`\\s+${code}`));
  }
});

sqlTest(
  "what the database says of a question that expired has the hint of the same code",
  async ({ db }) => {
    const expired = await db.admin<{ code: string; hint: string }[]>`
    select expired_code as code, expired_hint as hint from durable_responses.statuses where expired_code is not null`;
    assert.ok(expired.length > 0);
    const known = new Map<string, { hint: string }>(Object.entries(failures));
    for (const { code, hint } of expired) {
      assert.equal(known.get(code)?.hint, hint.replace(/\.$/, ""), code);
    }
  },
);
