import assert from "node:assert/strict";
import {
  failBackground,
  oneFailure,
  routeOf,
  setting,
  tryBackground,
} from "../../support/routes.ts";
import type { Machine } from "../../support/machine.ts";
import { sqlTest } from "../../support/sql-test.ts";

const probeMs = 300_000;

async function open(m: Machine, route = "r") {
  for (let failed = 0; failed < 3; failed++) await oneFailure(m, route);
  assert.equal((await routeOf(m, route))["breaker"], "open");
}

const modeOf = async (m: Machine, route = "r") => {
  const { status, fallback_reason } = await tryBackground(m, route);
  return fallback_reason ?? status;
};

sqlTest(
  "a route skips background after so many failures in a row, and others do not",
  async (m) => {
    await oneFailure(m);
    await oneFailure(m);
    assert.equal(await modeOf(m), "background");
    await oneFailure(m);
    assert.equal(await modeOf(m), "background_skipped");
    assert.equal(await modeOf(m, "other"), "background");
  },
);

sqlTest("a success in between starts the count anew", async (m) => {
  await oneFailure(m);
  await oneFailure(m);
  const { id } = await tryBackground(m);
  await m.complete({ id, attempt: 1 });
  assert.equal((await routeOf(m, "r"))["background_failures"], 0);
  await oneFailure(m);
  assert.equal(await modeOf(m), "background");
});

sqlTest(
  "a response that failed and hides what it did counts when it is read first, and once",
  async (m) => {
    const { id } = await m.submitBackground("resp_1", { route: "r" });
    const read = () =>
      m.call("record_settle_failure", {
        p_job_id: id,
        p_attempt: 1,
        p_error: "hidden",
        p_failed_code: "answer_unreadable",
      });
    const failures = async () => (await routeOf(m, "r"))["background_failures"];
    await m.call("record_settle_failure", { p_job_id: id, p_attempt: 1, p_error: "a page" });
    assert.equal(await failures(), 0);
    assert.equal(await read(), 2);
    assert.equal(await failures(), 1);
    assert.equal(await read(), 3);
    await m.call("fall_back_response_job", {
      p_job_id: id,
      p_attempt: 1,
      p_error: { code: "background_unreadable", message: "x", hint: "y" },
      p_unknown: true,
    });
    assert.equal(await failures(), 1);
    assert.equal(await read(), null);
    assert.equal(await failures(), 1);
  },
);

sqlTest("how many failures it takes is a setting", async (m) => {
  await setting(m, "breaker_failures", 1);
  await oneFailure(m);
  assert.equal(await modeOf(m), "background_skipped");
});

sqlTest("a route whose background is unsupported skips it at once", async (m) => {
  await oneFailure(m, "r", "background_unsupported");
  assert.equal(await modeOf(m), "background_skipped");
});

for (
  const code of [
    "openai_rate_limited",
    "openai_unreachable",
    "openai_timeout",
    "openai_region_refused",
    "openai_key_refused",
    // Failures that callers can cause must not take background from others.
    "openai_download_failed",
    "answer_empty",
    "answer_too_large",
    "output_invalid",
    "storage_unavailable",
    "tools_unavailable",
    "file_changed",
  ]
) {
  sqlTest(`${code} says nothing about background and does not count`, async (m) => {
    await setting(m, "breaker_failures", 1);
    await oneFailure(m, "r", code);
    assert.equal((await routeOf(m, "r"))["breaker"], "closed");
  });
}

sqlTest("one job an interval is the probe; it closes the route when it succeeds", async (m) => {
  await open(m);
  m.clock.advance(probeMs - 1);
  assert.equal(await modeOf(m), "background_skipped");
  m.clock.advance(1);
  const probe = await tryBackground(m);
  assert.equal(probe.status, "background");
  assert.equal((await routeOf(m, "r"))["breaker"], "half_open");
  assert.equal(await modeOf(m), "background_skipped");
  await m.complete({ id: probe.id, attempt: 1 });
  const route = await routeOf(m, "r");
  assert.deepEqual([route["breaker"], route["probe_at"]], ["closed", null]);
  assert.equal(await modeOf(m), "background");
});

sqlTest("a probe that fails opens the route until an interval after it began", async (m) => {
  await open(m);
  m.clock.advance(probeMs);
  const probe = await tryBackground(m);
  m.clock.advance(1000);
  await failBackground(m, probe);
  assert.equal((await routeOf(m, "r"))["breaker"], "open");
  m.clock.advance(probeMs - 1001);
  assert.equal(await modeOf(m), "background_skipped");
  m.clock.advance(1);
  assert.equal(await modeOf(m), "background");
});

sqlTest("failures of jobs that were under way do not put the probe off", async (m) => {
  const late = [await tryBackground(m), await tryBackground(m), await tryBackground(m)];
  await open(m);
  const { probe_at } = await routeOf(m, "r");
  m.clock.advance(probeMs / 2);
  await failBackground(m, late[0]!);
  assert.deepEqual((await routeOf(m, "r"))["probe_at"], probe_at);
  m.clock.advance(probeMs / 2);
  assert.equal(await modeOf(m), "background");
  const next = (await routeOf(m, "r"))["probe_at"];
  m.clock.advance(1000);
  await failBackground(m, late[1]!);
  await failBackground(m, late[2]!);
  assert.deepEqual((await routeOf(m, "r"))["probe_at"], next);
});

sqlTest("a probe that never ends does not keep the next from being made", async (m) => {
  await open(m);
  m.clock.advance(probeMs);
  assert.equal(await modeOf(m), "background");
  m.clock.advance(probeMs);
  assert.equal(await modeOf(m), "background");
  assert.equal(await modeOf(m), "background_skipped");
});

sqlTest("of twenty jobs at once exactly one is the probe", async (m) => {
  await open(m);
  m.clock.advance(probeMs);
  const modes = await Promise.all(Array.from({ length: 20 }, () => modeOf(m)));
  assert.equal(modes.filter((mode) => mode === "background").length, 1);
});

sqlTest("a repeat of a known request does not use up the probe", async (m) => {
  const key = { idempotency_key: "k", request_hash: "h", mode: "background", route: "r" };
  await m.submit(key);
  await open(m);
  m.clock.advance(probeMs);
  await m.submit(key);
  assert.equal(await modeOf(m), "background");
});

sqlTest("a job that asked for no background is not told that it was skipped", async (m) => {
  await open(m);
  const job = await m.submit({ route: "r" });
  assert.equal(job.fallback_reason, null);
});
