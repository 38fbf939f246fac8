/** The key in a job's metadata under which a scenario with several jobs names them. */
export const jobLabel = "demo";

/** The end of a job's id: ids start with the time, so those of the same minute start alike. */
export function shortJobId(id: string): string {
  return `…${id.slice(-8)}`;
}
