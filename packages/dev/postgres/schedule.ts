/** When a pg_cron schedule is due: `[1-59] seconds`, five cron fields in UTC, or a name such as `@hourly`. */
import { Cron } from "croner";

/**
 * Whether a job with this schedule, last started (or first seen) at `since`, is due at `now`. The SQL stand-in has checked
 * the schedule; throws if it is not one after all (a row changed by hand).
 */
export function isDue(schedule: string, since: Date, now: Date): boolean {
  const seconds = /^\s*(\d+)\s*seconds?\s*$/i.exec(schedule)?.[1];
  if (seconds !== undefined) return now.getTime() - since.getTime() >= Number(seconds) * 1000;
  // The runner starts it once, when it starts itself.
  if (isReboot(schedule)) return false;
  const next = new Cron(cronLine(schedule), { timezone: "UTC", mode: "5-part", paused: true })
    .nextRun(since);
  return next !== null && next <= now;
}

/** Whether the job runs once at each start of the scheduler. */
export function isReboot(schedule: string): boolean {
  return schedule.trim().toLowerCase() === "@reboot";
}

// pg_cron writes the last day of the month as '$', croner as 'L'; both read the rest alike.
function cronLine(schedule: string): string {
  const line = schedule.trim().toLowerCase();
  return line === "@midnight" ? "@daily" : line.replace("$", "L");
}
