/** Checks that pg_cron wakes the worker. */
import { pushMigrations } from "../project/release.ts";
import { ago } from "../terminal/table.ts";
import { ok, skipped, type Verdict, warn, wrong } from "./finding.ts";
import type { Report } from "./report.ts";

export type CronReport = Pick<Report, "now" | "started_at" | "cron" | "extensions">;
type CronJob = CronReport["cron"][number];

/** A run that is later than this is missed: pg_cron's launcher starts some seconds after the database. */
const graceMs = 30_000;
const minuteMs = 60_000;

export function checkCron(report: CronReport): Verdict {
  const { cron, extensions } = report;
  if (!extensions["pg_cron"]) {
    return wrong(
      "pg_cron is not installed",
      `dashboard > Integrations > Cron, then ${pushMigrations}`,
    );
  }
  const wake = cron.find(({ name }) => name === "durable-responses-wake");
  if (!wake) {
    return wrong(
      "the job durable-responses-wake is not scheduled",
      "select cron.schedule('durable-responses-wake', '10 seconds', 'select public.wake_response_worker()')",
    );
  }
  if (!wake.active) {
    return wrong(
      "the job durable-responses-wake is disabled",
      "enable it: dashboard > Integrations > Cron",
    );
  }
  const waiting = untilNextRun(wake, report);
  if (waiting !== undefined) return waiting;
  if (wake.last_at === null) {
    return warn(
      "scheduled, but it has not run yet",
      "run doctor again in a minute. If nothing has changed, npx durable-responses connect makes pg_cron read its jobs again",
    );
  }
  if (wake.last_status === "failed") {
    return wrong(
      `its last run failed ${ago(wake.last_at)} ago: ${wake.last_message ?? ""}`,
      "npx durable-responses connect",
    );
  }
  const seconds = (Date.now() - Date.parse(wake.last_at)) / 1000;
  return seconds > 180
    ? wrong(
      `last ran ${ago(wake.last_at)} ago, though scheduled '${wake.schedule}'`,
      "restart the database: pg_cron's launcher is not running",
    )
    : ok(`'${wake.schedule}', last ran ${ago(wake.last_at)} ago`);
}

/**
 * What the job did before the database started says nothing: it may have been down for a day, or have cut the last run off.
 * @returns undefined if the job has run since, or should have
 */
function untilNextRun(wake: CronJob, { now, started_at }: CronReport): Verdict | undefined {
  const [started, at] = [Date.parse(started_at), Date.parse(now)];
  if (wake.last_at !== null && Date.parse(wake.last_at) >= started) return undefined;
  const due = nextRun(wake.schedule, started);
  if (at > due + graceMs) return undefined;
  const inS = Math.ceil((due - at) / 1000);
  return skipped(
    `the database started ${ago(started_at, at)} ago; cron's next run is due ${
      inS > 0 ? `in ${inS} s` : "now"
    }`,
  );
}

/** The first run after the database has started. Both schedules that the migration makes are known; others count as each minute. */
function nextRun(schedule: string, started: number): number {
  const seconds = /^(\d+) seconds?$/.exec(schedule)?.[1];
  return seconds === undefined
    ? (Math.floor(started / minuteMs) + 1) * minuteMs
    : started + Number(seconds) * 1000;
}
