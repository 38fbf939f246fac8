/** What an operator should know, worst first, in words. */
import type { ActivityRow, HealthRow, Overview, RouteRow, Status } from "../data/schemas.ts";
import { formatDuration } from "../ui/time.ts";
import { activityLimit } from "./use-health.ts";

export interface Finding {
  tone: "bad" | "look" | "fine";
  text: string;
  /** What to do or where to look. */
  what?: string;
}

/** The cron job runs every 10 s, or every minute with an old pg_cron. */
const cronLateMs = 150_000;
const dueLateS = 60;

/** What a user should know about their own jobs. */
export function ownFindings(open: ReadonlyMap<Status, number>): Finding[] {
  return ofPeople((open.get("awaiting_approval") ?? 0) + (open.get("needs_review") ?? 0));
}

/**
 * Jobs that failed are over and nobody has to act, but not all is well.
 * @param range of the charts, such as `24 hours`. There may be more jobs than rows
 */
export function failedFindings(rows: readonly ActivityRow[], range: string): Finding[] {
  const failed = rows.filter(({ status }) => status === "failed").length;
  const all = rows.length >= activityLimit
    ? `the newest ${count(rows.length, "job")}`
    : `${count(rows.length, "job")} in the last ${range}`;
  return failed === 0 ? [] : [{
    tone: "look",
    text: `${failed.toLocaleString()} of ${all} failed`,
    what: "Jobs lists them, under Failed. Each says why, and what to do",
  }];
}

export function findingsOf(
  overview: Overview | undefined,
  routes: readonly RouteRow[],
  now: number,
): Finding[] {
  const found = [
    ...(overview ? [...ofHealth(overview.health), ...ofSchedule(overview, now)] : []),
    ...routes.flatMap((route) => ofRoute(route, now)),
  ];
  const order = { bad: 0, look: 1, fine: 2 };
  return found.sort((one, other) => order[one.tone] - order[other.tone]);
}

function ofHealth(health: HealthRow): Finding[] {
  const found: Finding[] = [];
  const late = health.oldest_due_s ?? 0;
  if (late > dueLateS) {
    found.push({
      tone: "bad",
      text: `A job has been due for ${formatDuration(late * 1000)} and no worker takes it`,
      what: "Check cron's last run below, then run npx durable-responses doctor",
    });
  }
  if (health.lost_leases > 0) {
    found.push({
      tone: "bad",
      text: `${count(health.lost_leases, "worker")} stopped in the middle of a job`,
      what: "The next worker takes it over. If none does, nothing wakes run-jobs",
    });
  }
  if (health.overdue_polls > 0) {
    found.push({
      tone: "look",
      text: `${count(health.overdue_polls, "background job")} overdue for a poll`,
    });
  }
  if (health.flags_24h > 0) {
    found.push({
      tone: "bad",
      text: `${
        count(health.flags_24h, "flag")
      } in the last 24 hours: a call that was reported late, or a cancel that OpenAI never confirmed`,
      what: "select * from response_flags order by id desc",
    });
  }
  return [...found, ...ofPeople(health.awaiting_approval + health.needs_review)];
}

function ofPeople(jobs: number): Finding[] {
  if (jobs === 0) return [];
  const text = `${count(jobs, "job")} ${jobs === 1 ? "waits" : "wait"} for a person`;
  return [{ tone: "look", text, what: `Open ${jobs === 1 ? "it" : "them"} from the counts below` }];
}

function ofSchedule({ cron, net, started_at }: Overview, now: number): Finding[] {
  const wake = cron.find(({ name }) => name === "durable-responses-wake");
  // What it did before the database started says nothing of now.
  const isAwaited = now - started_at < cronLateMs && (wake?.last_at ?? 0) < started_at;
  const found: Finding[] = [];
  if (wake === undefined || !wake.active) {
    found.push({
      tone: "bad",
      text: "Cron does not wake the worker: its job is missing or disabled",
      what: "run npx durable-responses doctor to fix it",
    });
  } else if (wake.last_status === "failed" && !isAwaited) {
    found.push({
      tone: "bad",
      text: "Cron's last run failed",
      ...(wake.last_message && { what: wake.last_message }),
    });
  } else if (wake.last_at !== null && now - wake.last_at > cronLateMs && !isAwaited) {
    found.push({ tone: "bad", text: `Cron last ran ${formatDuration(now - wake.last_at)} ago` });
  }
  if (net.failures_1h > 0) {
    found.push({
      tone: "look",
      text: `${
        count(net.failures_1h, "call")
      } of the last hour's ${net.answers_1h} from the database failed`,
      ...(net.last_failure && { what: net.last_failure }),
    });
  }
  return found;
}

function ofRoute(route: RouteRow, now: number): Finding[] {
  const found: Finding[] = [];
  if (route.breaker !== "closed") {
    found.push({
      tone: "look",
      text:
        `Background is skipped on ${route.route}: it failed ${route.background_failures} times in a row`,
      what:
        "Its jobs run synchronously. A probe from time to time finds out when background works again",
    });
  }
  if (route.ignores_approval) {
    found.push({
      tone: "look",
      text: `Calls were made on ${route.route} without the required yes`,
      what: "Its API ignores require_approval, so lost runs wait for a person",
    });
  }
  if (route.paused_until !== null && route.paused_until > now) {
    found.push({
      tone: route.pause_reason === "openai_quota_exceeded" ? "bad" : "look",
      text: `${route.route} is paused for ${
        formatDuration(route.paused_until - now)
      }: ${route.pause_reason}`,
    });
  }
  return found;
}

function count(number: number, noun: string): string {
  return `${number.toLocaleString()} ${noun}${number === 1 ? "" : "s"}`;
}
