/** What `jobs show` says of a job that is tried again later. */
import assert from "node:assert/strict";
import { nextRun, oneLine } from "../../packages/cli/src/commands/job-text.ts";

const now = Date.parse("2026-11-26T12:00:00Z");

Deno.test("a queued job says when its next run starts, unless a worker may take it now", () => {
  const later = "2026-11-26T12:00:41.5+00:00";
  assert.equal(
    nextRun({ status: "queued" }, later, now),
    `its next run starts in 42 s, at ${later}`,
  );
  assert.equal(nextRun({ status: "queued" }, "2026-11-26T11:59:59Z", now), undefined);
  assert.equal(nextRun({ status: "queued" }, null, now), undefined);
  assert.equal(nextRun({ status: "running" }, later, now), undefined);
});

Deno.test("a text is one line, and is cut only where a length is given", () => {
  const reason = "openai_server_error: " + "why ".repeat(60);
  assert.equal(oneLine(reason), reason.trim());
  assert.equal(oneLine("a\n b", 10), "a b");
  assert.equal(oneLine("abcdef", 4), "abc…");
});
