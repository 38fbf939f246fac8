/** Registers a watch as a signed-in user. */
import type { TestDatabase } from "../../support/database.ts";

export const watchJob = ({ asUser }: TestDatabase, user: string, job: string) =>
  asUser(user, (sql) => sql`select public.watch_response_job(${job}) as until`);

export const watchList = ({ asUser }: TestDatabase, user: string) =>
  asUser(user, (sql) => sql`select public.watch_response_jobs() as until`);
