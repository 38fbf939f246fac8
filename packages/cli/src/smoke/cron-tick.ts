/** When cron looks next: a job that starts well before that was not started by cron. */
import { setTimeout as delay } from "node:timers/promises";
import type { Project } from "../api/project.ts";
import { reportSchema } from "../doctor/report.ts";

/** A wake-up and a cold start take less. */
export const nudgeMs = 7_000;
const marginMs = 500;

export interface CronClock {
  everyMs: number;
  /** The time until it looks again; undefined if it has never looked, or does not run. */
  nextMs: number | undefined;
}

export async function cronClock(project: Project): Promise<CronClock> {
  const { now, cron } = await project.call("response_doctor", {}, reportSchema);
  const wake = cron.find(({ name }) => name === "durable-responses-wake");
  const seconds = /^(\d+) seconds?$/.exec(wake?.schedule ?? "")?.[1];
  const everyMs = seconds === undefined ? 60_000 : Number(seconds) * 1000;
  if (!wake?.active || wake.last_at === null) return { everyMs, nextMs: undefined };
  const sinceMs = Date.parse(now) - Date.parse(wake.last_at);
  return { everyMs, nextMs: sinceMs > 2 * everyMs ? undefined : Math.max(0, everyMs - sinceMs) };
}

/** Waits until cron has just looked, so that whatever starts within `nudgeMs` was started by something else. */
export async function afterTick(project: Project): Promise<void> {
  const { nextMs } = await cronClock(project);
  if (nextMs !== undefined && nextMs < nudgeMs + marginMs) await delay(nextMs + marginMs);
}
