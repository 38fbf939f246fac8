/** Key of a job's metadata under which a scenario with several jobs says which one this is. */
export const jobLabel = "demo";

/** A job's id, short: its end, since ids are ordered by time and those of one minute begin alike. */
export function shortJobId(id: string): string {
  return `…${id.slice(-8)}`;
}
